/** What an answer is less than asked for: said once, on standard error, or in the JSON. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, AnswerEvent } from '../../src/answer/schema.js';
import { ANSWER, fakeRuntime } from '../api/support.js';
import { runInProcess } from './support.js';

const WARNING = { code: 'rerank_failed', message: 'The reranker\nfailed' } as const;

const EVENTS: readonly AnswerEvent[] = [
  { event: 'text', data: { text: 'Thirty days.' } },
  { event: 'citations', data: { citations: [], warnings: [WARNING] } },
];

test('query and answer warn beside the answer, or in their JSON', async () => {
  const runtime = fakeRuntime({
    retrieve: () => Promise.resolve({ ...ANSWER, warnings: [WARNING] }),
    async *answer() {
      yield* EVENTS;
    },
  });
  for (const command of ['query', 'answer']) {
    const { code, stdout, stderr } = await runInProcess([command, 'handbook', 'leave?'], { runtime });
    assert.deepEqual([code, stderr], [0, 'warning: The reranker failed\n'], command);
    assert.match(stdout, /days/u);
    assert.doesNotMatch(stdout, /reranker/u, command);
  }
  const json = await runInProcess(['query', 'handbook', 'leave?', '--json'], { runtime });
  assert.equal(json.stderr, '');
  assert.deepEqual((JSON.parse(json.stdout) as Answer).warnings, [WARNING]);
});
