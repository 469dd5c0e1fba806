/** The embedders that collections can be created with. */
import { RetrievalError } from '../errors.js';
import { openMiniLm } from './minilm/index.js';
import type { MiniLmName } from './minilm/models.js';
import type { Embedder } from './port.js';

/** Their ids in configuration; the first is the default. */
export const EMBEDDERS = ['minilm-l6', 'minilm-l6-fp32'] as const satisfies readonly MiniLmName[];

/** The part of the configuration that embedders are opened with. */
export interface ModelSettings {
  /** Folder with model files that is looked at first. */
  readonly dir: string | null;
  /** Where fetched model files are kept. */
  readonly cacheDir: string;
  readonly hubUrl: string;
  /** Most worker threads of one local model. */
  readonly threads: number;
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
  const known = EMBEDDERS.find((candidate) => candidate === name);
  if (known === undefined) {
    throw new RetrievalError(
      'invalid_request',
      `There is no embedder "${name}". Known are: ${EMBEDDERS.join(', ')}.`,
      { field: 'embedder', details: { known: EMBEDDERS } },
    );
  }
  const { dir, cacheDir, hubUrl, threads } = settings;
  return openMiniLm({ name: known, modelDir: dir, cacheDir, hubUrl, threads, ...options });
}
