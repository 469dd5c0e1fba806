/** What the user named → the files that stand for it, each with a document id of its own. */
import { readdir as readdirCallback, type Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { throwIfCancelled } from '../../errors.js';
import { compareCodePoints } from '../../metadata/compare-code-points.js';
import type { SourceItem } from '../types.js';
import { KNOWN_EXTENSIONS, formatOfName } from './formats.js';
import { failedByError, failedItem } from './problems.js';

/** A file to read. */
export interface FoundFile {
  readonly kind: 'file';
  /** Where it is. */
  readonly path: string;
  /** Its document id: its path from the working folder, `/` between names, or absolute outside it. */
  readonly id: string;
  /** Named by the user as it is, rather than found in a folder. */
  readonly explicit: boolean;
}

export type Found = FoundFile | { readonly kind: 'failed'; readonly item: SourceItem };

const SKIPPED_FOLDER = 'node_modules';

/**
 * Files, folders and globs → files, in the order named, each folder's and glob's sorted by code
 * point; a file that was named twice comes once. A folder is searched for files of a known
 * extension, hidden ones and `node_modules` left out; linked folders are followed, each real
 * folder read once. What is missing, unreadable or empty is a failure, so that it never looks like
 * a removal.
 */
export async function findFiles(
  named: readonly string[],
  cwd: string,
  signal?: AbortSignal,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  const ids = new Set<string>();
  for (const name of named) {
    throwIfCancelled(signal);
    for (const one of await findOne(name, cwd, signal)) {
      if (one.kind === 'file') {
        if (ids.has(one.id)) continue;
        ids.add(one.id);
      }
      found.push(one);
    }
  }
  return found;
}

async function findOne(name: string, cwd: string, signal?: AbortSignal): Promise<readonly Found[]> {
  const path = resolve(cwd, name);
  const stats = await stat(path).catch((error: unknown) => error);
  if (stats instanceof Error) {
    if (!isMissing(stats)) return [{ kind: 'failed', item: failedByError(name, stats, signal) }];
    if (isDynamicPattern(name)) return findGlob(name, cwd, signal);
    return [{ kind: 'failed', item: failedItem(name, 'does not exist', stats) }];
  }
  const id = await documentId(path, cwd);
  if (!(stats as { isDirectory(): boolean }).isDirectory()) {
    return [{ kind: 'file', path, id, explicit: true }];
  }
  const found = await findInFolder(path, id, signal);
  if (found.length > 0) return found;
  const known = KNOWN_EXTENSIONS.join(' ');
  return [{ kind: 'failed', item: failedItem(name, `is a folder without documents (${known})`) }];
}

/** The same file has the same id however it is named, as long as the working folder is the same. */
async function documentId(path: string, cwd: string): Promise<string> {
  const lexical = relative(cwd, path);
  if (isInside(lexical)) return toPosix(lexical);
  // A working folder reached over a link: compare where both really are.
  const real = relative(await realpath(cwd), await realpath(path).catch(() => path));
  return isInside(real) ? toPosix(real) : toPosix(path);
}

function isInside(path: string): boolean {
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

function toPosix(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}

function isMissing(error: Error): boolean {
  return 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

interface Folder {
  readonly path: string;
  readonly id: string;
}

/** Real folders first and linked ones after, so that a file's id is its own path where it has one. */
async function findInFolder(root: string, rootId: string, signal?: AbortSignal): Promise<readonly Found[]> {
  const found: { readonly id: string; readonly found: Found }[] = [];
  const realRoot = await realpath(root);
  const seen = new Set<string>();
  const folders: Folder[] = [{ path: root, id: rootId }];
  const linked: Folder[] = [];

  for (
    let folder = folders.pop() ?? linked.shift();
    folder !== undefined;
    folder = folders.pop() ?? linked.shift()
  ) {
    throwIfCancelled(signal);
    const { path, id } = folder;
    try {
      const real = await realpath(path);
      // A link to a folder that holds the root would bring in what was not named.
      if (seen.has(real) || (real !== realRoot && isInside(relative(real, realRoot)))) continue;
      seen.add(real);
      for (const entry of await readdir(path, { withFileTypes: true })) {
        if (entry.name.startsWith('.') || entry.name === SKIPPED_FOLDER) continue;
        const inner = { path: join(path, entry.name), id: id === '' ? entry.name : `${id}/${entry.name}` };
        const kind = await kindOf(entry, inner.path);
        if (kind === 'folder') (entry.isSymbolicLink() ? linked : folders).push(inner);
        else if (kind === 'file' && formatOfName(entry.name) !== null) {
          found.push({ id: inner.id, found: { kind: 'file', ...inner, explicit: false } });
        } else if (kind instanceof Error && mayBeDocuments(entry.name)) {
          found.push({
            id: inner.id,
            found: { kind: 'failed', item: failedByError(inner.id, kind, signal) },
          });
        }
      }
    } catch (error) {
      found.push({ id, found: { kind: 'failed', item: failedByError(id === '' ? '.' : id, error, signal) } });
    }
    linked.sort((a, b) => compareCodePoints(a.id, b.id));
  }
  return found.sort((a, b) => compareCodePoints(a.id, b.id)).map((one) => one.found);
}

async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | 'other' | Error> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isFile()) return 'file';
  if (!entry.isSymbolicLink()) return 'other';
  try {
    const stats = await stat(path);
    return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : 'other';
  } catch (error) {
    return error instanceof Error ? error : new Error('cannot be read');
  }
}

/** A broken link matters when documents may be behind it. */
function mayBeDocuments(name: string): boolean {
  return formatOfName(name) !== null || !name.includes('.');
}

async function findGlob(pattern: string, cwd: string, signal?: AbortSignal): Promise<readonly Found[]> {
  const unreadable: { readonly path: string; readonly error: Error }[] = [];
  const paths = await glob(pattern, {
    cwd,
    absolute: true,
    expandDirectories: false,
    ignore: pattern.includes(SKIPPED_FOLDER) ? [] : [`**/${SKIPPED_FOLDER}/**`],
    ...(signal === undefined ? {} : { signal }),
    fs: { readdir: watchErrors(unreadable) },
  });
  const found: Found[] = [];
  for (const path of paths.sort(compareCodePoints)) {
    found.push({
      kind: 'file',
      path: resolve(path),
      id: await documentId(resolve(path), cwd),
      explicit: true,
    });
  }
  for (const { path, error } of unreadable) {
    found.push({ kind: 'failed', item: failedByError(await documentId(resolve(path), cwd), error, signal) });
  }
  return found.length > 0 ? found : [{ kind: 'failed', item: failedItem(pattern, 'matches no file') }];
}

/** The glob library leaves out folders it cannot read; here they are failures. */
function watchErrors(errors: { path: string; error: Error }[]): typeof readdirCallback {
  const watched = (
    path: string,
    options: { withFileTypes: true },
    done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void => {
    readdirCallback(path, options, (error, entries) => {
      if (error !== null) errors.push({ path, error });
      done(error, entries);
    });
  };
  return watched as typeof readdirCallback;
}
