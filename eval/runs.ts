/** A folder of measurements. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson, type EvalRecord } from './record.js';

/**
 * Keeps a record in the folder, under a name that sorts by time and tells what was measured:
 * `20260131T101500Z-scifact-test-1f0c2a9b.json`. Answers the path.
 */
export async function keepRun(folder: string, record: EvalRecord): Promise<string> {
  const { data_set: data, settings, started_at: startedAt } = record;
  const time = startedAt.replace(/[-:]|\.\d+/gu, '');
  const digest = createHash('sha256')
    .update(JSON.stringify([settings, record.model_version, data.hash]))
    .digest('hex')
    .slice(0, 8);
  const name = [time, slug(data.name), slug(data.split), digest].join('-');
  const path = join(folder, `${name}.json`);
  await mkdir(folder, { recursive: true });
  await writeJson(path, record);
  return path;
}

function slug(text: string): string {
  const plain = text.toLowerCase().replace(/[^a-z0-9]+/gu, '_');
  return plain.replace(/^_|_$/gu, '').slice(0, 40) || 'set';
}
