/**
 * Finds a model's files: the user's folder, the cache, the model hub, Maven; in that order. Bytes
 * are compared with the pinned SHA-256 every time, wherever they come from.
 */
import { join } from 'node:path';
import { RetrievalError } from '../../errors.js';
import { cachePath, checkFile, WrongBytes } from './files.js';
import { withFetchLock } from './fetch-lock.js';
import { fetchFromHub, type HubTimeouts } from './hub.js';
import { fetchByMaven } from './maven.js';
import type { MiniLmModel, ModelFile } from './models.js';

export interface WeightsOptions {
  /** Folder the user names; looked at first. */
  readonly modelDir: string | null;
  readonly cacheDir: string;
  /** `null`: the hub is not asked. */
  readonly hubUrl: string | null;
  /** Maven's program, `mvn` when not given; `null`: it is not asked. */
  readonly mavenCommand?: string | null;
  readonly hubTimeouts?: HubTimeouts;
  readonly signal?: AbortSignal | undefined;
  /** Called with one line at a time about what is being done. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

/** Absolute paths of checked files. */
export interface ModelPaths {
  readonly weights: string;
  readonly tokenizer: string;
}

interface Attempt {
  readonly source: string;
  readonly reason: string;
  readonly wrongBytes: boolean;
}

interface Wanted {
  readonly file: ModelFile;
  readonly target: string;
}

/**
 * @throws RetrievalError `model_corrupt` when the user's own file is not the pinned one, or when
 * the file cannot be had and some source gave wrong bytes; `model_unavailable` when it cannot be
 * had at all, with every source tried and what to do; `cancelled`.
 */
export async function resolveWeights(model: MiniLmModel, options: WeightsOptions): Promise<ModelPaths> {
  const attempts: Attempt[] = [];
  const paths = new Map<ModelFile, string>();
  const missing: Wanted[] = [];
  for (const file of [model.weights, model.tokenizer]) {
    const found =
      (await findInFolder(file, options, attempts)) ?? (await findInCache(file, options, attempts));
    if (found === null) missing.push({ file, target: cachePath(options.cacheDir, file) });
    else paths.set(file, found);
  }
  if (missing.length > 0) {
    for (const { file, target } of await fetchAlone(model, missing, options, attempts))
      paths.set(file, target);
  }
  const weights = paths.get(model.weights);
  const tokenizer = paths.get(model.tokenizer);
  if (weights === undefined || tokenizer === undefined) throw unavailable(model, attempts);
  return { weights, tokenizer };
}

/** Fetches while no other process does, unless another has done so in the meantime. */
async function fetchAlone(
  model: MiniLmModel,
  missing: readonly Wanted[],
  options: WeightsOptions,
  attempts: Attempt[],
): Promise<readonly Wanted[]> {
  const { cacheDir, signal, onNotice } = options;
  const onWait = (): void => onNotice?.('Waiting for another process that fetches model files.');
  try {
    return await withFetchLock(cacheDir, signal, onWait, async () => {
      const still: Wanted[] = [];
      for (const wanted of missing) {
        if ((await check(wanted.target, wanted.file, options)) !== 'ok') still.push(wanted);
      }
      const got = await fetchMissing(model, still, options, attempts);
      return missing.filter((wanted) => !still.includes(wanted) || got.includes(wanted));
    });
  } catch (error) {
    throwIfCancelled(signal, error);
    if (error instanceof RetrievalError) throw error;
    throw new RetrievalError(
      'model_unavailable',
      `The cache folder ${cacheDir} cannot be written: ${reasonOf(error)}. Name another in PLUMBLINE_CACHE_DIR.`,
      { field: 'PLUMBLINE_CACHE_DIR', cause: error },
    );
  }
}

async function findInFolder(
  file: ModelFile,
  options: WeightsOptions,
  attempts: Attempt[],
): Promise<string | null> {
  if (options.modelDir === null) return null;
  for (const path of [join(options.modelDir, file.name), join(options.modelDir, 'onnx', file.name)]) {
    const state = await check(path, file, options);
    if (state === 'ok') return path;
    if (state !== 'wrong') continue;
    throw new RetrievalError(
      'model_corrupt',
      `${path} is not the pinned ${file.name}: its SHA-256 is not ${file.sha256}. ` +
        'Put the right file there, or remove it to have it fetched.',
      { field: 'PLUMBLINE_MODEL_DIR', details: { file: path, sha256: file.sha256 } },
    );
  }
  attempts.push({ source: `folder ${options.modelDir}`, reason: `holds no ${file.name}`, wrongBytes: false });
  return null;
}

async function findInCache(
  file: ModelFile,
  options: WeightsOptions,
  attempts: Attempt[],
): Promise<string | null> {
  const path = cachePath(options.cacheDir, file);
  const state = await check(path, file, options);
  if (state === 'ok') return path;
  if (state === 'wrong') {
    attempts.push({ source: `cache ${path}`, reason: 'its SHA-256 is not the pinned one', wrongBytes: true });
    options.onNotice?.(`${path} is corrupt and will be replaced.`);
  } else {
    attempts.push({
      source: `cache ${options.cacheDir}`,
      reason: `holds no ${file.name}`,
      wrongBytes: false,
    });
  }
  return null;
}

async function check(
  path: string,
  file: ModelFile,
  options: WeightsOptions,
): Promise<'ok' | 'absent' | 'wrong'> {
  try {
    return await checkFile(path, file, options.signal);
  } catch (error) {
    throwIfCancelled(options.signal, error);
    throw new RetrievalError('model_unavailable', `${path} cannot be read: ${reasonOf(error)}.`, {
      details: { file: path },
      cause: error,
    });
  }
}

/** Gets what it can, from one source after the other; answers what it got. */
async function fetchMissing(
  model: MiniLmModel,
  wanted: readonly Wanted[],
  options: WeightsOptions,
  attempts: Attempt[],
): Promise<readonly Wanted[]> {
  let missing = wanted;
  const attempt = async (source: string, files: readonly Wanted[], fetchAll: () => Promise<void>) => {
    options.onNotice?.(`Fetching ${files.map(({ file }) => describe(file)).join(' and ')} from ${source}.`);
    try {
      await fetchAll();
      missing = missing.filter((one) => !files.includes(one));
      return true;
    } catch (error) {
      throwIfCancelled(options.signal, error);
      attempts.push({ source, reason: reasonOf(error), wrongBytes: error instanceof WrongBytes });
      options.onNotice?.(`That failed: ${reasonOf(error)}.`);
      return false;
    }
  };

  const { hubUrl } = options;
  if (hubUrl !== null) {
    for (const one of missing) {
      const got = await attempt(`the model hub ${hubUrl}`, [one], () =>
        fetchFromHub(hubUrl, one.file, one.target, options.signal, options.hubTimeouts),
      );
      // A hub that can't be reached would only cost its timeout once more.
      if (!got) break;
    }
  }
  const mavenCommand = options.mavenCommand === undefined ? 'mvn' : options.mavenCommand;
  if (missing.length > 0 && mavenCommand !== null) {
    const files = missing;
    await attempt(`Maven (${model.mavenArtifact})`, files, () =>
      fetchByMaven(mavenCommand, model.mavenArtifact, files, options.cacheDir, options.signal),
    );
  }
  return wanted.filter((one) => !missing.includes(one));
}

function unavailable(model: MiniLmModel, attempts: readonly Attempt[]): RetrievalError {
  const tried = attempts.map(({ source, reason }) => `${source}: ${reason}`);
  return new RetrievalError(
    attempts.some(({ wrongBytes }) => wrongBytes) ? 'model_corrupt' : 'model_unavailable',
    `The files of ${model.name} cannot be had. Tried: ${tried.join('; ')}. ` +
      `Do one of these: put ${model.weights.name} and ${model.tokenizer.name} into a folder and name it in ` +
      'PLUMBLINE_MODEL_DIR; let this machine reach the model hub, or name a mirror of it in ' +
      'PLUMBLINE_MODEL_HUB_URL; install Maven, which has a copy of the same files; or take over ' +
      'PLUMBLINE_CACHE_DIR from a machine that has them.',
    {
      details: {
        model: model.name,
        tried,
        files: [model.weights, model.tokenizer].map(({ name, sha256 }) => ({ name, sha256 })),
      },
    },
  );
}

function throwIfCancelled(signal: AbortSignal | undefined, cause: unknown): void {
  if (signal?.aborted !== true) return;
  throw new RetrievalError('cancelled', "Fetching the model's files was cancelled.", { cause });
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

function describe(file: ModelFile): string {
  return `${file.name} (${(file.bytes / 1e6).toFixed(1)} MB)`;
}
