/** What `plumbline eval report` does. */
import { writeFile } from 'node:fs/promises';
import { RetrievalError } from '../../src/errors.js';
import type { Metric } from '../measures.js';
import { assertWritable, writing } from '../outputs.js';
import { readRecord } from '../record.js';
import { renderRuns } from './runs-page.js';

export interface ReportCommandOptions {
  /** Files that hold records. */
  readonly paths: readonly string[];
  readonly htmlPath: string;
  readonly by: Metric;
  readonly output: (line: string) => void;
}

/** @throws RetrievalError `invalid_request` for files that are no records, or of different questions. */
export async function runReport({ paths, htmlPath, by, output }: ReportCommandOptions): Promise<void> {
  await assertWritable(htmlPath);
  const [first, ...others] = await Promise.all(paths.map(readRecord));
  if (first === undefined) {
    throw new RetrievalError('invalid_request', 'Name the files of one measurement or more', {
      field: 'run',
    });
  }
  await writing(htmlPath, writeFile(htmlPath, renderRuns({ records: [first, ...others], by })));
  output(`${htmlPath}: ${String(paths.length)} measurement${paths.length === 1 ? '' : 's'}`);
}
