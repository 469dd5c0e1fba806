import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKnowledgeBases } from '../../src/knowledge-base/file.js';
import { knowledgeBaseFile, openBedrockRuntime } from '../bedrock/runtime.js';

const GOOD = { name: 'policies', id: 'KB12345678', search_type: 'HYBRID' };

test('a knowledge base with its defaults, and with everything', async (context) => {
  const file = await knowledgeBaseFile(context, [
    GOOD,
    {
      ...GOOD,
      name: 'all',
      region: 'eu-west-1',
      fields: { 'x-amz-bedrock-kb-source-uri': 'keyword', day: 'date' },
      date_unit: 'milliseconds',
      document_id_key: 'doc',
    },
  ]);
  assert.deepEqual(await loadKnowledgeBases(file), [
    {
      name: 'policies',
      id: 'KB12345678',
      region: null,
      searchType: 'HYBRID',
      fields: {},
      dateUnit: 'seconds',
      documentIdKey: null,
    },
    {
      name: 'all',
      id: 'KB12345678',
      region: 'eu-west-1',
      searchType: 'HYBRID',
      fields: { 'x-amz-bedrock-kb-source-uri': 'keyword', day: 'date' },
      dateUnit: 'milliseconds',
      documentIdKey: 'doc',
    },
  ]);
  assert.deepEqual(await loadKnowledgeBases(null), []);
});

const bad: readonly (readonly [object, RegExp])[] = [
  [{ ...GOOD, name: 'Policies' }, /knowledge_bases\.0\.name has to be lower-case/u],
  [{ ...GOOD, id: 'KB' }, /knowledge_bases\.0\.id has to be the ten/u],
  [{ ...GOOD, search_type: 'KEYWORD' }, /search_type/u],
  [{ ...GOOD, fields: { size: 'number[]' } }, /fields\.size has to be keyword, number/u],
  [{ ...GOOD, fields: { ['k'.repeat(101)]: 'keyword' } }, /fields/u],
  [{ ...GOOD, fields: { day: 'date' } }, /date_unit is needed/u],
  [{ ...GOOD, serch_type: 'HYBRID' }, /serch_type/u],
];
for (const [entry, message] of bad) {
  test(`refused: ${JSON.stringify(entry).slice(0, 100)}`, async (context) => {
    const file = await knowledgeBaseFile(context, [entry]);
    await assert.rejects(loadKnowledgeBases(file), {
      code: 'invalid_config',
      field: 'PLUMBLINE_KNOWLEDGE_BASES_FILE',
      message,
    });
  });
}

test('one name twice is refused', async (context) => {
  await assert.rejects(loadKnowledgeBases(await knowledgeBaseFile(context, [GOOD, GOOD])), /one name twice/u);
});

test('a file that is not there ends the start', async (context) => {
  await assert.rejects(
    openBedrockRuntime(context, {
      handlers: [],
      environment: { PLUMBLINE_KNOWLEDGE_BASES_FILE: '/nowhere.json' },
    }),
    { code: 'invalid_config', message: /\/nowhere\.json cannot be read/u },
  );
});
