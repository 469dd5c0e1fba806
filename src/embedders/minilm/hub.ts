/** Fetches a model file from a model hub. */
import { HUB_REPOSITORY, HUB_REVISION, type ModelFile } from './models.js';
import { writeToCache } from './files.js';

export interface HubTimeouts {
  /** Until the answer's headers are there. */
  readonly connectMs: number;
  /** Between two pieces of the answer. */
  readonly idleMs: number;
}

const HUB_TIMEOUTS: HubTimeouts = { connectMs: 10_000, idleMs: 30_000 };

/** Rejects with an Error that says why, in words for the user; with WrongBytes on a wrong hash. */
export async function fetchFromHub(
  hubUrl: string,
  file: ModelFile,
  target: string,
  signal: AbortSignal | undefined,
  timeouts: HubTimeouts = HUB_TIMEOUTS,
): Promise<void> {
  const url = `${hubUrl.replace(/\/+$/u, '')}/${HUB_REPOSITORY}/resolve/${HUB_REVISION}/${file.hubPath}`;
  const stalled = new AbortController();
  const combined = signal === undefined ? stalled.signal : AbortSignal.any([signal, stalled.signal]);
  let timer: NodeJS.Timeout | undefined;
  const expectWithin = (ms: number, what: string): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(new Error(`${what} within ${ms / 1000} s`)), ms);
  };
  try {
    expectWithin(timeouts.connectMs, 'no answer');
    const response = await fetch(url, { signal: combined });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`the hub answered ${response.status}`);
    }
    const body = response.body;
    const watched = async function* (): AsyncGenerator<Uint8Array> {
      expectWithin(timeouts.idleMs, 'no more data');
      for await (const chunk of body) {
        yield chunk as Uint8Array;
        expectWithin(timeouts.idleMs, 'no more data');
      }
    };
    await writeToCache(watched(), file, target, 'the hub', combined);
  } catch (error) {
    if (stalled.signal.aborted && stalled.signal.reason instanceof Error) throw stalled.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
