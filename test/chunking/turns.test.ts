/** One large document does not keep the process from all else: see src/chunking/steps.ts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { chunkWith } from '../../src/chunking/chunkers.js';
import { parseSteps } from '../../src/chunking/parse.js';
import { atOnce, inTurns } from '../../src/chunking/steps.js';
import type { Steps } from '../../src/chunking/steps.js';
import type { ChunkerSettings } from '../../src/model.js';
import { hostileTexts, lettersTokenizer, parse } from './support.js';

const CHUNKERS: readonly ChunkerSettings[] = [
  { kind: 'structure', targetTokens: 100, overlapTokens: 30 },
  { kind: 'fixed', targetTokens: 100, overlapTokens: 30 },
  { kind: 'semantic', maxTokens: 100, bufferSize: 0, breakpointPercentile: 90 },
  { kind: 'hierarchical', parentTokens: 300, childTokens: 100 },
];

/** Most characters counted in a step: a chunk's own, and what its size was planned by. */
const MOST_A_STEP = 10_000;

const prose = 'Some words make one sentence here. ';

interface Clock {
  readonly tokenizer: ReturnType<typeof lettersTokenizer>;
  /** Most characters counted between two looks at the clock, since the last time this was asked. */
  readonly longest: () => number;
}

/** Characters that are counted are what passes the time. */
function countingClock(t: TestContext): Clock {
  const tokenizer = lettersTokenizer(254);
  const now = performance.now.bind(performance);
  let before = 0;
  let longest = 0;
  // Not a mock of the runner's: those keep every call.
  performance.now = () => {
    const at = tokenizer.characters();
    longest = Math.max(longest, at - before);
    before = at;
    return at / 1000;
  };
  t.after(() => {
    performance.now = now;
  });
  return {
    tokenizer,
    longest: () => {
      const found = longest;
      longest = 0;
      return found;
    },
  };
}

const embed = (texts: readonly string[]): Promise<readonly Float32Array[]> =>
  Promise.resolve(texts.map((text) => Float32Array.of(1, text.length % 7)));

for (const settings of CHUNKERS) {
  describe(settings.kind, () => {
    test('no step is long, whatever the text', async (t) => {
      const { tokenizer, longest } = countingClock(t);
      const texts = [...hostileTexts(12_000), ['prose', prose.repeat(350)] as const];
      for (const [name, content] of texts) {
        for (const format of ['markdown', 'text'] as const) {
          const document = parse(format, content);
          await chunkWith(document, settings, { tokenizer, embed });
          const most = longest();
          assert.ok(most <= MOST_A_STEP, `${name} as ${format}: ${String(most)}`);
        }
      }
    });

    test('others have their turns in between', async (t) => {
      const { tokenizer } = countingClock(t);
      let turns = 0;
      let isOver = false;
      const other = (): void => {
        turns += 1;
        if (!isOver) setImmediate(other);
      };
      setImmediate(other);
      await chunkWith(parse('text', prose.repeat(6000)), settings, { tokenizer, embed });
      isOver = true;
      assert.ok(turns >= 5, `${String(turns)} turns`);
    });

    test('and may end it', async (t) => {
      const { tokenizer } = countingClock(t);
      const controller = new AbortController();
      setImmediate(() => {
        controller.abort();
      });
      await assert.rejects(
        chunkWith(parse('text', prose.repeat(6000)), settings, { tokenizer, embed }, controller.signal),
        { code: 'cancelled' },
      );
      assert.ok(tokenizer.characters() < 100_000, 'most of it is not looked at');
    });
  });
}

test('plain text is parsed in steps, and Markdown is one of its parser and then many', () => {
  const text = `${prose}\n\n`.repeat(1000);
  for (const format of ['text', 'markdown'] as const) {
    let steps = 0;
    const parsing = parseSteps({ id: 'doc', format, content: text, metadata: {} });
    while (parsing.next().done !== true) steps += 1;
    assert.ok(steps >= 1000, format);
  }
});

describe('turns', () => {
  function* counting(to: number): Steps<number> {
    for (let at = 0; at < to; at += 1) yield;
    return to;
  }

  test('give what doing it at once gives', async () => {
    assert.equal(await inTurns(counting(10)), atOnce(counting(10)));
  });

  test('of many that are at work are one a round of the event loop', async (t) => {
    let now = 0;
    t.mock.method(performance, 'now', () => (now += 100));
    const perRound: number[] = [];
    let round = 0;
    function* noting(): Steps<void> {
      for (let at = 0; at < 5; at += 1) {
        perRound[round] = (perRound[round] ?? 0) + 1;
        yield;
      }
    }
    let isOver = false;
    const next = (): void => {
      round += 1;
      if (!isOver) setImmediate(next);
    };
    const all = Promise.all([inTurns(noting()), inTurns(noting()), inTurns(noting())]);
    setImmediate(next);
    await all;
    isOver = true;
    // All three begin at once; from then on they take turns.
    assert.deepEqual(
      perRound.slice(1).filter((steps) => steps > 1),
      [],
    );
  });
});
