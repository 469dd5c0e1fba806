import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { tryLock } from 'fs-native-extensions';

const POLL_MS = 200;

/**
 * Runs `use` while no other process fetches into this cache: several that start together on a fresh
 * machine should fetch once, and Maven's own cache does not bear two Mavens at a time. Where a file
 * system has no locks it runs at once; that is wasteful but safe, as each writes files of its own.
 */
export async function withFetchLock<T>(
  cacheDir: string,
  signal: AbortSignal | undefined,
  onWait: () => void,
  use: () => Promise<T>,
): Promise<T> {
  const folder = join(cacheDir, 'models');
  await mkdir(folder, { recursive: true });
  const file = await open(join(folder, '.fetch.lock'), 'a+');
  try {
    let said = false;
    while (!granted(file.fd)) {
      if (!said) onWait();
      said = true;
      await setTimeout(POLL_MS, undefined, { signal });
    }
    return await use();
  } finally {
    await file.close();
  }
}

function granted(fd: number): boolean {
  try {
    return tryLock(fd);
  } catch {
    return true;
  }
}
