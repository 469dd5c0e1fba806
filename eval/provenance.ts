/** Which Plumbline made a record. */
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../src/package-root.js';

export interface Provenance {
  readonly version: string;
  /** Null when this is not a checkout of the project itself (an installed package, no git). */
  readonly commit: { readonly hash: string; readonly dirty: boolean } | null;
}

const packageSchema = z.object({ version: z.string() });

/** The package's version and, in a checkout, its commit; `dirty` when files differ from it. */
export async function readProvenance(): Promise<Provenance> {
  const { version } = packageSchema.parse(
    JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')),
  );
  return { version, commit: await readCommit() };
}

async function readCommit(): Promise<Provenance['commit']> {
  try {
    // Installed under another project's node_modules, git would answer for that project.
    const top = await git('rev-parse', '--show-toplevel');
    if ((await realpath(top)) !== (await realpath(packageRoot))) return null;
    const hash = await git('rev-parse', 'HEAD');
    return { hash, dirty: (await git('status', '--porcelain')) !== '' };
  } catch {
    return null;
  }
}

async function git(...parameters: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-C', packageRoot, ...parameters]);
  return stdout.trim();
}
