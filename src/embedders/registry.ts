/** The embedders that collections can be created with. */
import { join } from 'node:path';
import { RetrievalError } from '../errors.js';
import type { BedrockEmbedderSettings } from './bedrock/index.js';
import type { BedrockName } from './bedrock/models.js';
import { openMiniLm, openMiniLmL12 } from './minilm/index.js';
import type { MiniLmName } from './minilm/models.js';
import type { Embedder } from './port.js';

/** Models that run on this machine. */
const LOCAL = ['minilm-l6', 'minilm-l6-fp32'] as const satisfies readonly MiniLmName[];

/** A local model whose files are the user's own. */
const FROM_FOLDER = 'minilm-l12';

/** Models that Amazon Bedrock runs. */
const BEDROCK = [
  'titan-v2',
  'titan-v2-512',
  'titan-v2-256',
  'cohere-v3-english',
  'cohere-v3-multilingual',
] as const satisfies readonly BedrockName[];

/** Their ids in configuration; the first is the default. */
export const EMBEDDERS = [...LOCAL, FROM_FOLDER, ...BEDROCK] as const;

/** The part of the configuration that embedders are opened with. */
export interface ModelSettings {
  /** Folder with model files that is looked at first. */
  readonly dir: string | null;
  /** Where fetched model files are kept, and vectors that were paid for. */
  readonly cacheDir: string;
  readonly hubUrl: string;
  /** Most worker threads of one local model. */
  readonly threads: number;
  readonly remote: {
    readonly cache: boolean;
    readonly bedrock: BedrockEmbedderSettings;
  };
}

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with one line about a fetch of model files when one is needed. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

/**
 * Opens an embedder by its id.
 * @throws RetrievalError `invalid_request` when there is none of that name, and what opening it throws.
 */
export async function openEmbedder(
  name: string,
  settings: ModelSettings,
  options: OpenOptions = {},
): Promise<Embedder> {
  const local = LOCAL.find((candidate) => candidate === name);
  if (local !== undefined) {
    const { dir, cacheDir, hubUrl, threads } = settings;
    return openMiniLm({ name: local, modelDir: dir, cacheDir, hubUrl, threads, ...options });
  }
  if (name === FROM_FOLDER) return openMiniLmL12({ modelDir: settings.dir, ...settings, ...options });
  const remote = BEDROCK.find((candidate) => candidate === name);
  if (remote !== undefined) return openRemote(remote, settings, options);
  throw new RetrievalError(
    'invalid_request',
    `There is no embedder "${name}". Known are: ${EMBEDDERS.join(', ')}.`,
    { field: 'embedder', details: { known: EMBEDDERS } },
  );
}

async function openRemote(
  name: BedrockName,
  { cacheDir, remote }: ModelSettings,
  { onNotice }: OpenOptions,
): Promise<Embedder> {
  assertKnown('PLUMBLINE_BEDROCK_MODEL_IDS', remote.bedrock.modelIds);
  assertKnown('PLUMBLINE_BEDROCK_PRICES', remote.bedrock.prices);
  // The AWS SDK is large: it is loaded by those who use it.
  const { openBedrock } = await import('./bedrock/index.js');
  const embedder = await openBedrock({ ...remote.bedrock, name, onNotice });
  if (!remote.cache) return embedder;
  const { withVectorCache } = await import('./cache/index.js');
  return withVectorCache(embedder, { folder: join(cacheDir, 'vectors'), onNotice });
}

/** A misspelt name would be a setting without effect. */
function assertKnown(field: string, setting: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(setting).find((name) => !BEDROCK.some((known) => known === name));
  if (unknown === undefined) return;
  throw new RetrievalError(
    'invalid_config',
    `${field} names "${unknown}"; the embedders on Bedrock are ${BEDROCK.join(', ')}.`,
    { field },
  );
}
