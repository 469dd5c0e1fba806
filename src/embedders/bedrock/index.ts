/** Embedders on Amazon Bedrock: Titan Text Embeddings V2 and Cohere Embed v3. */
import { createTiktokenTokenizer } from '../../chunking/tiktoken.js';
import { RetrievalError, cancelled } from '../../errors.js';
import type { Tokenizer } from '../../model.js';
import type { Embedder } from '../port.js';
import { createBedrockClient } from './client.js';
import type { BedrockConnection } from './client.js';
import { createDispatcher } from './dispatcher.js';
import type { RetryPolicy, Usage } from './dispatcher.js';
import { toError } from './failures.js';
import { BEDROCK_MODELS, WINDOW_SHARE } from './models.js';
import type { BedrockModel, BedrockName } from './models.js';
import { createPace } from './pace.js';
import type { Clock, PaceLimits } from './pace.js';

/** What all Bedrock embedders are opened with. */
export interface BedrockEmbedderSettings extends BedrockConnection, PaceLimits {
  /** Embedder → model id, inference profile, or ARN to invoke instead of the model's own id. */
  readonly modelIds: Readonly<Record<string, string>>;
  /** Embedder → price of a thousand tokens, in the currency of the bill. */
  readonly prices: Readonly<Record<string, number>>;
  /** Requests made of one batch at most. */
  readonly maxAttempts: number;
}

export interface BedrockOptions extends BedrockEmbedderSettings {
  readonly name: BedrockName;
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Waits between attempts, where a test has no time for them. */
  readonly retry?: Partial<RetryPolicy>;
}

export interface BedrockEmbedder extends Embedder {
  /** Since it was opened. */
  usage(): Usage;
}

const RETRY = { firstMs: 250, longestMs: 20_000 };
/** Fewer tokens say nothing of how the two counts differ. */
const ENOUGH_TOKENS = 10_000;

const clock: Clock = {
  now: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Opens an embedder. Nothing is asked of Bedrock until the first text. */
export async function openBedrock(options: BedrockOptions): Promise<BedrockEmbedder> {
  const model = BEDROCK_MODELS[options.name];
  const modelId = options.modelIds[model.name] ?? model.modelId;
  const tokenizer = tokenizerOf(model);
  const client = await createBedrockClient(options);
  const dispatcher = createDispatcher({
    async send(texts, inputType, signal) {
      const { answer, inputTokens } = await client.invoke(
        modelId,
        model.codec.write(texts, inputType),
        signal,
      );
      const decoded = model.codec.read(answer, texts.length);
      return { vectors: decoded.vectors, tokens: decoded.tokens ?? inputTokens };
    },
    toError: (failure, attempts) => toError(failure, { name: model.name, modelId, attempts }),
    pace: createPace(options, clock),
    clock,
    retry: { ...RETRY, attempts: options.maxAttempts, ...options.retry },
    batchTexts: model.batchTexts,
    random: Math.random,
  });
  let closing: Promise<void> | undefined;
  let hasNoticed = false;

  const compareCounts = (): void => {
    const { tokens, countedTokens } = dispatcher.usage();
    if (hasNoticed || countedTokens < ENOUGH_TOKENS || tokens * WINDOW_SHARE <= countedTokens) return;
    hasNoticed = true;
    options.onNotice?.(
      `${model.name} counts ${(tokens / countedTokens).toFixed(2)} tokens where Plumbline counts one: ` +
        'with smaller chunks (chunker.target_tokens), long texts stay inside its window.',
    );
  };

  return {
    name: model.name,
    pin: model.pin,
    tokenizer,
    remote: { pricePerThousandTokens: options.prices[model.name] ?? null },
    usage: () => dispatcher.usage(),
    async embed(texts, embedOptions) {
      if (closing !== undefined) {
        throw new RetrievalError('embedder_unavailable', 'The embedder is closed; open a new one.');
      }
      const { signal } = embedOptions;
      if (signal?.aborted === true) throw cancelled(signal.reason);
      if (texts.length === 0) return [];
      const counted = texts.map((text, index) => ({ text, tokens: countChecked(text, index, tokenizer) }));
      const vectors = await dispatcher.embed(counted, embedOptions);
      compareCounts();
      return vectors;
    },
    close() {
      closing ??= dispatcher.idle().then(() => {
        client.close();
      });
      return closing;
    },
  };
}

function tokenizerOf(model: BedrockModel): Tokenizer {
  return {
    ...createTiktokenTokenizer(Math.floor(model.windowTokens * WINDOW_SHARE)),
    maxCharacters: model.maxCharacters,
  };
}

/** @throws RetrievalError `invalid_request` for a text that the model does not take whole. */
function countChecked(text: string, index: number, tokenizer: Tokenizer): number {
  const { maxTokens, maxCharacters = Infinity } = tokenizer;
  const refuse = (what: string, details: Readonly<Record<string, number>>): RetrievalError =>
    new RetrievalError('invalid_request', `Text ${String(index)} ${what}`, {
      field: `texts.${String(index)}`,
      details: { index, ...details },
    });
  if (text === '') throw refuse('is empty; the model takes no empty texts.', {});
  if (text.length > maxCharacters) {
    throw refuse(
      `has ${String(text.length)} characters; the model reads at most ${String(maxCharacters)}. Split it: nothing is cut off.`,
      { characters: text.length, maxCharacters },
    );
  }
  const tokens = tokenizer.count(text);
  if (tokens > maxTokens) {
    throw refuse(
      `has ${String(tokens)} tokens; the model reads at most ${String(maxTokens)}. Split it: nothing is cut off.`,
      { tokens, maxTokens },
    );
  }
  return tokens;
}
