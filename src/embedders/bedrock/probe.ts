/** Whether the models can be called with these settings: one short text each. */
import { RetrievalError, hasCode } from '../../errors.js';
import { openBedrock } from './index.js';
import type { BedrockEmbedderSettings } from './index.js';
import { BEDROCK_MODELS } from './models.js';
import type { BedrockName } from './models.js';

/** As the doctor shows it. */
export interface BedrockFinding {
  /** `model titan-v2`. */
  readonly area: string;
  readonly level: 'ok' | 'problem';
  readonly what: string;
  readonly advice: string | null;
}

/** Those that the settings name, or all: one of each that differ by their dimensions only. */
function configuredModels(settings: BedrockEmbedderSettings): readonly BedrockName[] {
  const all = Object.values(BEDROCK_MODELS);
  const isNamed = ({ name }: (typeof all)[number]): boolean =>
    Object.hasOwn(settings.modelIds, name) || Object.hasOwn(settings.prices, name);
  const chosen = all.some(isNamed) ? all.filter(isNamed) : all;
  const byId = new Map<string, BedrockName>();
  for (const { name, modelId } of chosen) {
    const invoked = settings.modelIds[name] ?? modelId;
    if (!byId.has(invoked)) byId.set(invoked, name);
  }
  return [...byId.values()];
}

/**
 * Embeds one word with each configured model.
 * @throws RetrievalError `cancelled`
 */
export async function probeBedrock(
  settings: BedrockEmbedderSettings,
  signal?: AbortSignal,
): Promise<readonly BedrockFinding[]> {
  return Promise.all(configuredModels(settings).map((name) => probe(name, settings, signal)));
}

async function probe(
  name: BedrockName,
  settings: BedrockEmbedderSettings,
  signal: AbortSignal | undefined,
): Promise<BedrockFinding> {
  const area = `model ${name}`;
  const embedder = await openBedrock({ ...settings, name, maxAttempts: 1 });
  try {
    await embedder.embed(['water'], {
      inputType: 'query',
      ...(signal === undefined ? {} : { signal }),
    });
    return {
      area,
      level: 'ok',
      what: `It answers, for ${String(embedder.usage().tokens)} tokens`,
      advice: null,
    };
  } catch (error) {
    if (hasCode(error, 'cancelled') || !(error instanceof RetrievalError)) throw error;
    const { message, code } = error;
    const end = message.indexOf('. ');
    // The first sentence says what is wrong, the rest what to do.
    return end === -1
      ? { area, level: 'problem', what: `${message} (${code})`, advice: 'Do what the message says.' }
      : {
          area,
          level: 'problem',
          what: `${message.slice(0, end)} (${code})`,
          advice: message.slice(end + 2),
        };
  } finally {
    await embedder.close();
  }
}
