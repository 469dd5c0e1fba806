/** What every embedder must do, whatever is behind it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RetrievalError } from '../../../src/errors.js';
import type { Embedder } from '../../../src/embedders/port.js';
import type { InputType } from '../../../src/model.js';

const ALL_TEXTS: readonly string[] = [
  'The cat sat on the mat.',
  'PostgreSQL keeps several versions of a row, so readers never wait for writers.',
  'a',
  '',
  'Größe, naïveté, ångström; 漢字かな交じり文; العربية; 🙂👩‍👩‍👧',
  'fn main() { println!("{}", x[0] + 1); }',
  'Line one\nLine two\r\n\tLine three   with   spaces',
  'Embedding text does not depend on what else is embedded with it. '.repeat(12),
];

export interface EmbedderTraits {
  /** An empty text has a vector; otherwise it is refused. */
  readonly takesEmpty?: boolean;
  /** Its tokenizer is that of another embedder, whose suite has shown how long counting takes. */
  readonly sharesTokenizer?: boolean;
}

export function embedderConformance(
  name: string,
  open: () => Promise<Embedder>,
  { takesEmpty = true, sharesTokenizer = false }: EmbedderTraits = {},
): void {
  const TEXTS = takesEmpty ? ALL_TEXTS : ALL_TEXTS.filter((text) => text !== '');
  describe(`embedder conformance: ${name}`, () => {
    let embedder: Embedder;
    before(async () => {
      embedder = await open();
    });
    after(() => embedder.close());

    /** A text of exactly that many tokens, ending in `last`. */
    function textOf(tokens: number, last: string): string {
      const filler = ['sun', 'sea', 'oak', 'ice', 'map'];
      const words = Math.max(0, tokens - embedder.tokenizer.count(` ${last}`));
      const text = `${Array.from({ length: words }, (_, word) => ` ${filler[word % 5] ?? ''}`).join('')} ${last}`;
      assert.equal(embedder.tokenizer.count(text), tokens);
      return text;
    }

    test('the pin says what decides a vector', () => {
      const { pin, tokenizer } = embedder;
      assert.equal(embedder.name, name);
      assert.ok(pin.dimensions > 0 && pin.provider !== '' && pin.model !== '' && pin.revision !== '');
      for (const hash of [pin.weightsSha256, pin.tokenizerSha256]) {
        if (hash !== null) assert.match(hash, /^[0-9a-f]{64}$/u);
      }
      assert.ok(tokenizer.maxTokens > 0 && tokenizer.name !== '');
    });

    for (const inputType of ['document', 'query'] as const satisfies readonly InputType[]) {
      test(`${inputType}: vectors have the pin's length, are finite, and of unit length if it says so`, async () => {
        const vectors = await embedder.embed(TEXTS, { inputType });
        assert.equal(vectors.length, TEXTS.length);
        for (const vector of vectors) {
          assert.ok(vector instanceof Float32Array);
          assert.equal(vector.length, embedder.pin.dimensions);
          assert.ok(vector.every(Number.isFinite));
          if (embedder.pin.normalized) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
        }
      });

      test(`${inputType}: a text's vector is the same bits alone, in a batch, and in any order`, async () => {
        const batch = await embedder.embed(TEXTS, { inputType });
        const reversed = await embedder.embed(TEXTS.toReversed(), { inputType });
        assert.deepEqual(reversed.toReversed(), batch);
        for (const [index, text] of TEXTS.entries()) {
          const [alone] = await embedder.embed([text], { inputType });
          assert.deepEqual(alone, batch[index], `text ${index}`);
        }
      });
    }

    test('calls at the same time do not mix', async () => {
      const expected = await embedder.embed(TEXTS, { inputType: 'document' });
      const calls = Array.from({ length: 12 }, async (_, call) => {
        const index = call % TEXTS.length;
        const texts = [...TEXTS.slice(index), ...TEXTS.slice(0, index)];
        const vectors = await embedder.embed(texts, { inputType: 'document' });
        assert.deepEqual(vectors, [...expected.slice(index), ...expected.slice(0, index)]);
      });
      await Promise.all(calls);
    });

    test('no texts, no vectors', async () => {
      assert.deepEqual(await embedder.embed([], { inputType: 'document' }), []);
    });

    test('the last word of a text of exactly the window counts', async () => {
      const { maxTokens } = embedder.tokenizer;
      const [one, other] = await embedder.embed([textOf(maxTokens, 'dog'), textOf(maxTokens, 'law')], {
        inputType: 'document',
      });
      assert.notDeepEqual(one, other);
    });

    test('a text over the window is refused, naming which and how long; nothing is cut', async () => {
      const { maxTokens } = embedder.tokenizer;
      const texts = ['short', textOf(maxTokens + 1, 'dog'), 'short'];
      await assert.rejects(embedder.embed(texts, { inputType: 'document' }), (error: unknown) => {
        assert.ok(error instanceof RetrievalError);
        assert.equal(error.code, 'invalid_request');
        assert.equal(error.details['index'], 1);
        assert.equal(error.details['tokens'], maxTokens + 1);
        assert.ok(!error.message.includes('dog'));
        return true;
      });
    });

    test('a text over the limit of characters is refused likewise', async (t) => {
      const { maxCharacters, maxTokens } = embedder.tokenizer;
      if (maxCharacters === undefined) {
        t.skip('the model has none');
        return;
      }
      const word = 'internationalization ';
      const fits = word.repeat(Math.ceil(maxCharacters / word.length)).slice(0, maxCharacters);
      assert.ok(embedder.tokenizer.count(fits) <= maxTokens, 'characters are the limit that is met');
      assert.equal((await embedder.embed([fits], { inputType: 'document' })).length, 1);
      await assert.rejects(
        embedder.embed(['short', `${fits}s`], { inputType: 'document' }),
        (error: unknown) => {
          assert.ok(error instanceof RetrievalError);
          assert.equal(error.code, 'invalid_request');
          assert.equal(error.details['index'], 1);
          assert.equal(error.details['characters'], maxCharacters + 1);
          assert.ok(!error.message.includes('internationalization'));
          return true;
        },
      );
    });

    test('an empty text has a vector, or is refused by name', async () => {
      const embedding = embedder.embed(['a', ''], { inputType: 'document' });
      if (takesEmpty) assert.equal((await embedding).length, 2);
      else await assert.rejects(embedding, { code: 'invalid_request', field: 'texts.1' });
    });

    test('questions are embedded as questions where the model tells them apart', async () => {
      const { documentPrefix, queryPrefix } = embedder.pin;
      const [document] = await embedder.embed(['water'], { inputType: 'document' });
      const [query] = await embedder.embed(['water'], { inputType: 'query' });
      if (documentPrefix === queryPrefix) assert.deepEqual(query, document);
      else assert.notDeepEqual(query, document);
    });

    test('an aborted call rejects with cancelled, before and while it runs, and harms no other', async () => {
      const options = { inputType: 'document' } as const;
      await assert.rejects(embedder.embed(['a'], { ...options, signal: AbortSignal.abort() }), {
        code: 'cancelled',
      });
      const controller = new AbortController();
      const texts = Array.from({ length: 400 }, (_, index) => `${textOf(40, 'dog')} ${index}`);
      const running = embedder.embed(texts, { ...options, signal: controller.signal });
      const [beside] = await Promise.all([
        embedder.embed(['a'], options),
        embedder.embed(['a'], options).then(() => controller.abort()),
        assert.rejects(running, { code: 'cancelled' }),
      ]);
      assert.deepEqual(beside, await embedder.embed(['a'], options));
    });

    test('counting is linear in time, even on text made to be hard', { skip: sharesTokenizer }, () => {
      const megabyte = 1_000_000;
      const hard = [
        'a'.repeat(megabyte),
        '.'.repeat(megabyte),
        '漢'.repeat(megabyte / 2),
        '\ud800'.repeat(megabyte),
        `a${'\u0301\u0323'.repeat(megabyte / 2)}`,
        `a${'\u0301\u200d\u0323'.repeat(megabyte / 3)}`,
        `${'zqxjkvwbp'.repeat(11)} `.repeat(megabyte / 100),
      ];
      // Were it quadratic, one of these would take hours, and the runner would end the file.
      for (const text of hard) assert.ok(embedder.tokenizer.count(text) >= 0);
    });

    test('counting: nothing is no token, words add up', () => {
      const { tokenizer } = embedder;
      assert.equal(tokenizer.count(''), 0);
      const one = tokenizer.count(' water');
      assert.ok(one > 0);
      assert.equal(tokenizer.count(' water'.repeat(1000)), 1000 * one);
    });

    test('closed, and closed again; then it says so', async () => {
      const other = await open();
      const running = other.embed(['a', 'b'], { inputType: 'document' });
      await Promise.all([other.close(), other.close()]);
      assert.equal((await running).length, 2);
      await other.close();
      await assert.rejects(other.embed(['a'], { inputType: 'document' }), RetrievalError);
    });
  });
}
