/** Files that an evaluation writes. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RetrievalError } from '../src/errors.js';

/**
 * A measurement may take an hour; a mistyped path must not cost it.
 * @throws RetrievalError `invalid_request` naming the path.
 */
export async function assertWritable(path: string): Promise<void> {
  await writing(path, access(dirname(path), constants.W_OK));
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) {
    throw new RetrievalError('invalid_request', `${path} is a folder, not a file`, { field: path });
  }
}

/** @throws RetrievalError `invalid_request` naming the path, when the work fails. */
export async function writing(path: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new RetrievalError(
      'invalid_request',
      `${path} cannot be written; is its folder there and writable?`,
      {
        field: path,
        cause: error,
      },
    );
  }
}
