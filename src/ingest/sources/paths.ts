/** What the user named → the files that stand for it, each with a document id of its own. */
import {
  lstat,
  readdir as readdirCallback,
  realpath as realpathCallback,
  stat as statCallback,
  type Dirent,
  type Stats,
} from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
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
const STEP = /^\.{1,2}\/+/u;

/**
 * Files, folders and globs → files, in the order named, each folder's and glob's sorted by code
 * point; a file that was named twice comes once. A folder is searched for files of a known
 * extension; hidden files and `node_modules` are left out. Linked folders are followed, each real
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
  const { rest, base } = fromAbove(pattern, cwd);
  const unreadable = new Map<string, Error>();
  const broken = new Map<string, Error>();
  const paths = await glob(rest, {
    cwd: base,
    absolute: true,
    expandDirectories: false,
    ignore: pattern.includes(SKIPPED_FOLDER) ? [] : [`**/${SKIPPED_FOLDER}/**`],
    ...(signal === undefined ? {} : { signal }),
    fs: { readdir: watchFolders(unreadable), ...watchLinks(broken) },
  });
  const found: Found[] = [];
  for (const path of await withoutRepeats(paths.map(toPath), base)) {
    const error = broken.get(path);
    if (error !== undefined) unreadable.set(path, error);
    else found.push({ kind: 'file', path, id: await documentId(path, cwd), explicit: true });
  }
  for (const [path, error] of broken) {
    if (looksBehind(resolve(base, rest), path)) unreadable.set(path, error);
  }
  for (const path of [...unreadable.keys()].sort(compareCodePoints)) {
    const item = failedByError(await documentId(path, cwd), unreadable.get(path), signal);
    found.push({ kind: 'failed', item });
  }
  return found.length > 0 ? found : [{ kind: 'failed', item: failedItem(pattern, 'matches no file') }];
}

/** Without `../` at its beginning: the glob library would not find the way back down into `cwd`. */
function fromAbove(pattern: string, cwd: string): { readonly rest: string; readonly base: string } {
  let rest = pattern;
  let base = cwd;
  for (let step = STEP.exec(rest); step !== null; step = STEP.exec(rest)) {
    if (step[0].startsWith('..')) base = dirname(base);
    rest = rest.slice(step[0].length);
  }
  return { rest, base };
}

/** As Node writes it, without the slash that the library leaves behind folders. */
function toPath(path: string): string {
  return resolve(path);
}

/** Each file of a real folder once, sorted: by its own path where it was met there, else over the first link. */
async function withoutRepeats(paths: readonly string[], base: string): Promise<readonly string[]> {
  const realBase = await realpath(base);
  const realFolders = new Map<string, string>();
  const chosen = new Map<string, string>();
  for (const path of [...paths].sort(compareCodePoints)) {
    const folder = dirname(path);
    const real = realFolders.get(folder) ?? (await realpath(folder));
    realFolders.set(folder, real);
    const file = join(real, basename(path));
    const isOwn = relative(base, folder) === relative(realBase, real);
    if (isOwn || !chosen.has(file)) chosen.set(file, path);
  }
  return [...chosen.values()].sort(compareCodePoints);
}

/** Whether a broken link may stand for a folder that the pattern would have been looked for in. */
function looksBehind(pattern: string, link: string): boolean {
  if (basename(link).includes('.')) return false;
  return pattern.includes('**') || pattern.split(sep).length > link.split(sep).length;
}

/** The glob library leaves out folders it cannot read; here they are failures. */
function watchFolders(errors: Map<string, Error>): typeof readdirCallback {
  const watched = (
    path: string,
    options: { withFileTypes: true },
    done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
  ): void => {
    readdirCallback(path, options, (error, entries) => {
      if (error !== null) errors.set(toPath(path), error);
      done(error, entries);
    });
  };
  return watched as typeof readdirCallback;
}

/** So it does with links that lead nowhere; here it is given them as files, to say whether they match. */
function watchLinks(errors: Map<string, Error>): {
  readonly realpath: typeof realpathCallback;
  readonly stat: typeof statCallback;
} {
  const realpathOrOwn = (path: string, done: (error: null, resolved: string) => void): void => {
    realpathCallback(path, (error, resolved) => {
      if (error !== null) errors.set(toPath(path), error);
      done(null, error === null ? resolved : path);
    });
  };
  const statOrLstat = (
    path: string,
    done: (error: NodeJS.ErrnoException | null, stats: Stats) => void,
  ): void => {
    (errors.has(toPath(path)) ? lstat : statCallback)(path, done);
  };
  return {
    realpath: realpathOrOwn as typeof realpathCallback,
    stat: statOrLstat as typeof statCallback,
  };
}
