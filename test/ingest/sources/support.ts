/** Folders of files that are gone after the test, and what a source makes of them. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Source, SourceItem } from '../../../src/ingest/types.js';
import type { RawDocument } from '../../../src/model.js';

/** A temporary folder that holds these files; its path has no link in it. */
export async function makeFolder(
  test: TestContext,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'plumbline-sources-')));
  test.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return folder;
}

export interface Collected {
  readonly documents: readonly RawDocument[];
  /** `[name, code, message]` */
  readonly failures: readonly (readonly [name: string, code: string, message: string])[];
}

export async function collect(
  source: Source | AsyncIterable<SourceItem>,
  signal?: AbortSignal,
): Promise<Collected> {
  const documents: RawDocument[] = [];
  const failures: [string, string, string][] = [];
  for await (const item of 'items' in source ? source.items(signal) : source) {
    if (item.kind === 'document') documents.push(item.document);
    else if (item.kind === 'failed') failures.push([item.name, item.error.code, item.error.message]);
  }
  return { documents, failures };
}

/** The one document that is expected. @throws Error when there is another number, or a failure. */
export function onlyDocument({ documents, failures }: Collected): RawDocument {
  const [document] = documents;
  if (document === undefined || documents.length > 1 || failures.length > 0) {
    throw new Error(`One document was expected; there are ${String(documents.length)}: ${String(failures)}`);
  }
  return document;
}
