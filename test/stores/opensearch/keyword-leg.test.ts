/**
 * Questions that match many more chunks than are asked for: the best ones are found and scored as in
 * memory, as long as nothing was removed and Lucene's ranking can be relied on, and afterwards.
 */
import { after, before, describe, it } from 'node:test';
import { createMemoryStore } from '../../../src/stores/memory/index.js';
import { assertSameKeywordLeg } from '../../conformance/store/compare.js';
import type { Place } from '../../conformance/store/compare.js';
import {
  ALL,
  PIN,
  createIn,
  equalTo,
  randomWrite,
  specOf,
  textFrom,
  writeOf,
} from '../../conformance/store/fixtures.js';
import { openTestOpenSearch } from '../../support/opensearch.js';
import { createRandom } from '../../support/random.js';
import { storeNames } from '../../support/stores.js';
import type { OpenedStore } from '../../support/stores.js';

const DOCUMENTS = 600;
const TWINS = 300;
const QUESTIONS = 25;

if (storeNames().includes('opensearch')) {
  describe('the keyword leg of opensearch among many chunks', () => {
    let opened: OpenedStore;
    let actual: Place;
    let expected: Place;
    const random = createRandom(90);

    before(async () => {
      opened = await openTestOpenSearch();
      const reference = createMemoryStore();
      const spec = specOf({ name: 'many' });
      actual = { store: opened.store, ref: await createIn(opened.store, spec) };
      expected = { store: reference, ref: await createIn(reference, spec) };
      const writes = [
        ...Array.from({ length: DOCUMENTS }, (_, at) => randomWrite(random, `doc-${String(at)}`, '1')),
        // Long ones, whose length Lucene keeps by about a tenth only.
        ...Array.from({ length: 60 }, (_, at) =>
          writeOf(`long-${String(at)}`, [textFrom(random, 100 + random.int(400))]),
        ),
        // More equal scores than any search asks for.
        ...Array.from({ length: TWINS }, (_, at) => writeOf(`twin-${String(at)}`, ['unheard of pulley'])),
      ];
      for (const { store, ref } of [actual, expected]) {
        for (let at = 0; at < writes.length; at += 200)
          await store.putDocuments(ref, PIN, writes.slice(at, at + 200));
      }
    });
    after(async () => {
      await opened.close();
    });

    const ask = async (): Promise<void> => {
      for (let question = 0; question < QUESTIONS; question += 1) {
        const text = textFrom(random, 1 + random.int(8));
        for (const k of [1, 7, 40]) {
          await assertSameKeywordLeg(actual, expected, { text, k, filter: ALL });
          await assertSameKeywordLeg(actual, expected, { text, k, filter: equalTo('open', true) });
        }
      }
      await assertSameKeywordLeg(actual, expected, { text: 'unheard', k: 5, filter: ALL });
    };

    it('while nothing was removed', ask);

    it('of more words than Lucene takes clauses', async () => {
      const words = Array.from({ length: 1500 }, (_, at) => `word${String(at)}`).join(' ');
      await assertSameKeywordLeg(actual, expected, {
        text: `${words} engine rotor rotor`,
        k: 10,
        filter: ALL,
      });
    });

    it('after documents were replaced and removed', async () => {
      for (const { store, ref } of [actual, expected]) {
        const again = createRandom(91);
        const writes = Array.from({ length: 150 }, (_, at) =>
          randomWrite(again, `doc-${String(at * 3)}`, '2'),
        );
        await store.putDocuments(ref, PIN, writes);
        await store.deleteByFilter(ref.collection, equalTo('dept', 'Sales'));
      }
      await ask();
    });
  });
}
