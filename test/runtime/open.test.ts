import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../src/config.js';
import { openRuntime } from '../../src/runtime.js';

test('a start that fails lets go of the data folder, so that the next one can have it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-open-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const environment = { PLUMBLINE_STORE_URL: `pglite:${folder}` };
  const bad = loadConfig({ ...environment, PLUMBLINE_KNOWLEDGE_BASES_FILE: '/nowhere.json' });
  await assert.rejects(openRuntime(bad), { code: 'invalid_config' });
  const runtime = await openRuntime(loadConfig(environment));
  assert.deepEqual(await runtime.catalog.listCollections(), []);
  await runtime.close();
});
