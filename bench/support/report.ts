/** Where a benchmark's results go, and what they always say of the machine. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export const benchmarksFolder: string = join(packageRoot, 'docs', 'benchmarks');

export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
}

export function circumstances(): Circumstances {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${String(cpus().length)} × ${cpus()[0]?.model ?? 'CPU'}`,
    node: process.versions.node,
  };
}

/** Writes `NAME.json` and `NAME.md`. */
export async function writeResults(
  folder: string,
  name: string,
  results: object,
  markdown: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), markdown);
}
