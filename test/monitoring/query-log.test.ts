/** The query log: what stands in it, and that no query depends on it. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AnswerEvent } from '../../src/answer/schema.js';
import { answerRequestSchema } from '../../src/answer/schema.js';
import { createQueryLog } from '../../src/monitoring/query-log.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import type { QueryAnswer } from '../../src/retrieval/schema.js';
import { ANSWER, defer } from '../api/support.js';
import { withFolder } from '../eval/support.js';

const NOW = (): number => Date.UTC(2024, 4, 1);
const HIT = { document_id: 'a/b', chunk_id: 'c1', rank: 1, score: 0.75 };

function request(query: string, more: object = {}): ReturnType<typeof queryRequestSchema.parse> {
  return queryRequestSchema.parse({ query, ...more });
}

function linesOf(text: string): readonly unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

describe('the query log', () => {
  test('has a line a query, for its owner only, and goes on in a new file after a rotation', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'queries.jsonl');
      const log = createQueryLog({ path, now: NOW });
      log.queried(request('how long?', { filter: { dept: 'HR' }, offset: 10 }), ANSWER);
      await log.close();
      assert.deepEqual(linesOf(await readFile(path, 'utf8')), [
        {
          time: '2024-05-01T00:00:00.000Z',
          collection: 'handbook',
          query: 'how long?',
          mode: 'hybrid',
          filter: { dept: 'HR' },
          generation: 7,
          hits: [{ ...HIT, rank: 11 }],
        },
      ]);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      await rename(path, `${path}.1`);
      log.queried(request('and now?'), ANSWER);
      await log.close();
      assert.equal(linesOf(await readFile(path, 'utf8')).length, 1);
    });
  });

  test('an answer is logged with its sources, whole or left early', async () => {
    const written: string[] = [];
    const log = createQueryLog({
      path: 'x',
      now: NOW,
      append: (_path, text) => Promise.resolve(void written.push(text)),
    });
    const sources = [
      {
        number: 1,
        chunk_id: 'c1',
        document_id: 'a/b',
        title: null,
        source: null,
        heading_path: [],
        text: 'confidential',
        score: 0.75,
      },
    ];
    async function* events(): AsyncGenerator<AnswerEvent> {
      const head = { collection: 'handbook', generation: 7, model_version: 'm', model: 'nova' };
      await Promise.resolve();
      yield { event: 'sources', data: { ...head, sources: [] } };
      yield { event: 'sources', data: { ...head, sources } };
      yield { event: 'text', data: { text: 'confidential' } };
    }
    const asked = answerRequestSchema.parse({ query: 'how long?' });
    for await (const _ of log.answering('handbook', asked, events()));
    for await (const { event } of log.answering('handbook', asked, events())) if (event === 'text') break;
    await log.close();
    const lines = linesOf(written.join(''));
    const line = { time: '2024-05-01T00:00:00.000Z', collection: 'handbook', query: 'how long?' };
    const logged = { ...line, mode: 'hybrid', generation: 7, hits: [HIT] };
    assert.deepEqual(lines, [logged, logged]);
    assert.doesNotMatch(written.join(''), /confidential/u);
  });

  test('a failing disk is said once, loses lines, and nobody waits for it', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'none', 'queries.jsonl');
      const notices: string[] = [];
      const log = createQueryLog({ path, now: NOW, onNotice: (message) => notices.push(message) });
      for (const query of ['one', 'two']) {
        log.queried(request(query), ANSWER);
        await log.close();
      }
      assert.equal(notices.length, 1);
      assert.match(notices[0] ?? '', /cannot be written \(ENOENT\); queries go on/u);
      await mkdir(join(folder, 'none'));
      log.queried(request('three'), ANSWER);
      await log.close();
      assert.match(notices[1] ?? '', /written again; 2 queries are not in it/u);
      assert.equal(linesOf(await readFile(path, 'utf8')).length, 1);
      await rm(path);
    });
  });

  test('while the disk hangs only so much waits', async () => {
    const gate = defer<null>();
    const batches: string[] = [];
    const notices: string[] = [];
    const log = createQueryLog({
      path: 'x',
      now: NOW,
      onNotice: (message) => notices.push(message),
      append: async (_path, text) => {
        batches.push(text);
        await gate.promise;
      },
    });
    const long = 'x'.repeat(20_000);
    for (let at = 0; at < 1000; at += 1) log.queried(request(long), ANSWER);
    gate.resolve(null);
    await log.close();
    assert.equal(batches.length, 2);
    assert.ok((batches[1] ?? '').length <= 4 * 1024 * 1024);
    assert.equal(notices.length, 1);
  });

  test('of many hits the first hundred are kept', async () => {
    const written: string[] = [];
    const log = createQueryLog({
      path: 'x',
      now: NOW,
      append: (_path, text) => Promise.resolve(void written.push(text)),
    });
    const [hit] = ANSWER.hits;
    assert.ok(hit !== undefined);
    const answer: QueryAnswer = { ...ANSWER, hits: Array.from({ length: 1000 }, () => hit) };
    log.queried(request('x'), answer);
    await log.close();
    const [line] = linesOf(written.join('')) as { hits: unknown[] }[];
    assert.equal(line?.hits.length, 100);
  });
});
