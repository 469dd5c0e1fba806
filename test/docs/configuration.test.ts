import assert from 'node:assert/strict';
import { homedir, availableParallelism } from 'node:os';
import { describe, test } from 'node:test';
import { environmentSchema } from '../../src/config.js';
import { plain, readDoc, tableUnder } from './markdown.js';

const rows = tableUnder(readDoc('docs/configuration.md'), '## Variables');

/** What the schema fills in, in the words of the page. */
function documentedDefault(value: unknown): string {
  if (value === undefined || value === '') return 'none';
  return (typeof value === 'string' ? value : JSON.stringify(value)).replace(homedir(), '~');
}

describe('docs/configuration.md', () => {
  test('it lists the variables of src/config.ts with their descriptions, in order', () => {
    const actual = Object.entries(environmentSchema.shape).map(([name, schema]) => [
      name,
      schema.description,
    ]);
    assert.deepEqual(
      rows.map(([name, , description]) => [plain(name), description]),
      actual,
    );
  });

  test('it tells their defaults', () => {
    const defaults: Readonly<Record<string, unknown>> = environmentSchema.parse({});
    for (const [cell, stated] of rows) {
      const name = plain(cell);
      if (name === 'PLUMBLINE_EMBED_THREADS') {
        assert.equal(stated, 'as many as the machine has cores');
        assert.equal(defaults[name], availableParallelism());
      } else {
        assert.equal(plain(stated), documentedDefault(defaults[name]), name);
      }
    }
  });
});
