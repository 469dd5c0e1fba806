/** docs/backends.md says what the records say, and nothing more. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { recordSchema } from '../../src/conformance/record.js';
import { packageRoot } from '../../src/package-root.js';
import { readDoc } from './markdown.js';

const folder = join(packageRoot, 'docs', 'backends');
const records = readdirSync(folder).map((name) => ({
  name,
  record: recordSchema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8'))),
}));

test('the page is made from the records', async () => {
  await promisify(execFile)(process.execPath, [join(packageRoot, 'scripts', 'backends.mjs'), '--check']);
});

for (const { name, record } of records) {
  test(`${name} is the record of a whole run in which nothing failed`, () => {
    assert.equal(name, `${record.server.kind}.json`);
    assert.equal(record.summary.failed, 0);
    assert.equal(record.summary.passed + record.summary.not_supported, record.checks.length);
    assert.deepEqual(record.checks.at(-1)?.group, 'clean-up');
    assert.ok(record.sizes.filters >= 2000);
    assert.ok(record.sizes.document_bytes >= 10 * 1_048_576);
  });
}

for (const { name, record } of records.filter(({ record: { plans } }) => plans !== null)) {
  test(`${name} shows that both legs use their index`, () => {
    const { vector, keyword } = record.plans ?? assert.fail();
    assert.match(vector.join('\n'), /Index Scan using \S*_embedding_idx/u);
    assert.match(keyword.join('\n'), /Index Scan (?:on|using) \S*_postings_pkey/u);
  });
}

test('a backend without a record is said to have none', () => {
  const page = readDoc('docs/backends.md');
  const kinds: readonly string[] = records.map(({ record }) => record.server.kind);
  assert.equal(
    page.includes('**Oracle Database has not yet run on a real server.**'),
    !kinds.includes('oracle'),
  );
});
