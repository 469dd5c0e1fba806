import assert from 'node:assert/strict';
import { textHash } from '../../chunking/text-hash.js';
import { compareCodePoints } from '../../metadata/compare-code-points.js';
import type { ChunkRecord, DocumentWrite } from '../../stores/port.js';
import { createRandom } from '../random.js';
import { ALL, DIMENSIONS, PIN, equalTo, writeOf } from '../fixtures.js';
import type { CheckGroup, Context } from '../check.js';

const ODD =
  'Quotes \' " ` and \\ and \\n and % _ $1 {} ; -- /* */; tab\t, CRLF\r\n, NEL\u0085, line\u2028, nbsp\u00a0, ' +
  'zero\u200bwidth, bell\u0007, e\u0301 é, شكرا, 漢字, 👩‍👩‍👧 🏳️‍🌈, \uffee \u{1f600} \u{10ffff} \ufffd \ue000';

/** What is written comes back, is replaced whole, listed, counted and removed. */
export const documentChecks: CheckGroup = {
  name: 'documents',
  checks: [
    {
      name: 'gives a document back as it was written',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        const write = writeOf(ODD, [ODD, `${ODD} ${'long '.repeat(20_000)}`, ''], {
          title: ODD,
          source: `file:///${ODD}`,
          metadata: {
            [ODD]: ODD,
            nested: { list: [1, 'a', null, { deep: [[]] }], empty: {} },
            numbers: [0, 0.1, 1e-7, 5e-324, 1.7976931348623157e308, 9007199254740991, -2.5],
            none: null,
            no: false,
            blank: '',
          },
          values: { dept: ODD, tags: [ODD, ''], price: 0.1, open: false, created_at: -62167219200000 },
        });
        const empty = writeOf('empty', [], { title: null });
        const before = Date.now();
        await store.putDocuments(ref, PIN, [write, empty]);

        const stored = await store.getDocument(ref.collection, ODD);
        assert.ok(stored !== null);
        assert.deepEqual(stored.document, write.document);
        assert.equal(stored.contentHash, write.contentHash);
        assert.equal(stored.chunkCount, 3);
        assert.equal(new Date(stored.ingestedAt).toISOString(), stored.ingestedAt);
        assert.ok(Math.abs(Date.parse(stored.ingestedAt) - before) < 600_000);

        const records = write.chunks.map((chunk) => toRecord(write, chunk));
        assert.deepEqual(await store.documentChunks(ref, ODD), records);
        assert.deepEqual(await store.documentChunks(ref, ODD, { from: 1, to: 1 }), records.slice(1, 2));
        assert.deepEqual(await store.documentChunks(ref, ODD, { from: 1 }), records.slice(1));
        assert.deepEqual(await store.documentChunks(ref, ODD, { to: 1 }), records.slice(0, 2));
        assert.deepEqual(await store.documentChunks(ref, ODD, { from: 7, to: 9 }), []);
        const asked = [...write.chunks.map(({ id }) => id).toReversed(), 'f'.repeat(64)];
        const got = await store.getChunks(ref, asked);
        assert.deepEqual(
          new Map([...got].sort()),
          new Map(records.map((one) => [one.id, one] as const).sort()),
        );

        const bare = await store.getDocument(ref.collection, 'empty');
        assert.deepEqual([bare?.document, bare?.chunkCount], [empty.document, 0]);
        assert.deepEqual(await store.documentChunks(ref, 'empty'), []);
        assert.deepEqual(await store.countCollection(ref.collection), { documents: 2, chunks: 3 });
      },
    },

    {
      name: 'does not keep or hand out data that a caller can change',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        const tags = ['a'];
        const vector = new Float32Array(DIMENSIONS).fill(1);
        const write = writeOf('a', ['engine'], { metadata: { tags }, values: { tags }, vectors: [vector] });
        await store.putDocuments(ref, PIN, [write]);
        tags.push('b');
        vector.fill(-1);
        const [kept] = (await store.documentVectors(ref, 'a')).values();
        kept?.fill(7);
        assert.deepEqual((await store.getDocument(ref.collection, 'a'))?.document.metadata, { tags: ['a'] });
        assert.equal(await store.countDocuments(ref.collection, equalTo('tags', 'b')), 0);
        const [again] = (await store.documentVectors(ref, 'a')).values();
        assert.deepEqual(again, new Float32Array(DIMENSIONS).fill(1));
      },
    },

    {
      name: 'gives vectors back to the bit, by the hash of their text',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create({ metric: 'dot' });
        const vector = createRandom(1).vector(DIMENSIONS);
        vector.set([3.4028234663852886e38, -3.4028234663852886e38, 1.401298464324817e-45, 0.1, -0, 1e-38]);
        const write = writeOf('a', ['one', 'two'], { vectors: [vector, createRandom(2).vector(DIMENSIONS)] });
        await store.putDocuments(ref, PIN, [write]);
        const kept = await store.documentVectors(ref, 'a');
        assert.equal(kept.size, 2);
        for (const chunk of write.chunks) {
          const found = kept.get(textHash(chunk.indexedText));
          assert.ok(found !== undefined);
          assert.deepEqual(
            new Uint32Array(found.slice().buffer),
            new Uint32Array(chunk.vector.slice().buffer),
          );
        }
        assert.equal((await store.documentVectors(ref, 'nobody')).size, 0);
      },
    },

    {
      name: 'replaces a document with all its chunks, and writing it again changes nothing',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        const first = writeOf('a', ['engine', 'valve', 'rotor'], { values: { dept: 'Legal' } });
        const second = writeOf('a', ['piston'], { version: '2', values: { price: 3 } });
        for (const write of [first, first, second, second]) {
          await store.putDocuments(ref, PIN, [write, writeOf('b', ['gasket'])]);
          const chunks = write.chunks.length;
          assert.deepEqual(await store.countCollection(ref.collection), { documents: 2, chunks: chunks + 1 });
          assert.deepEqual(
            (await store.documentChunks(ref, 'a')).map(({ text }) => text),
            write.chunks.map(({ text }) => text),
          );
        }
        assert.deepEqual(await store.keywordLeg(ref, { text: 'engine valve', k: 10, filter: ALL }), []);
        assert.equal(
          (
            await store.getChunks(
              ref,
              first.chunks.map(({ id }) => id),
            )
          ).size,
          0,
        );
        assert.equal(await store.countDocuments(ref.collection, equalTo('dept', 'Legal')), 0);
        assert.equal(await store.countDocuments(ref.collection, equalTo('price', 3)), 1);
        await store.putDocuments(ref, PIN, []);
      },
    },

    {
      name: 'knows content hashes',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        const writes = [writeOf('a', ['one']), writeOf('b', ['two'])];
        await store.putDocuments(ref, PIN, writes);
        assert.deepEqual(
          new Map(await store.contentHashes(ref, ['b', 'nobody', 'b'])),
          new Map([['b', writes[1]?.contentHash]]),
        );
        assert.equal((await store.contentHashes(ref, [])).size, 0);
      },
    },

    {
      name: 'pages through documents by id in code point order, whatever is between the pages',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        // U+FFEE is before U+1F600, though its UTF-16 unit is greater; no collation may help.
        const ids = [
          'a',
          'B',
          'b',
          'Z',
          'é',
          'e\u0301',
          'a b',
          'a-b',
          'ab',
          "a'b",
          'a\\b',
          '%',
          '_',
          '\uffee',
          '😀',
          '\u{10000}',
          '漢',
          '10',
          '9',
          ' ',
        ];
        await store.putDocuments(
          ref,
          PIN,
          ids.map((id, index) =>
            writeOf(id, ['x'], {
              source: `s${String(index)}`,
              metadata: { index },
              values: { price: index % 2 },
            }),
          ),
        );
        const sorted = ids.toSorted(compareCodePoints);
        for (const limit of [1, 3, ids.length - 1, ids.length, 1000]) {
          const seen: string[] = [];
          let after: string | undefined;
          do {
            const page = await store.listDocuments(ref.collection, {
              filter: ALL,
              limit,
              ...(after === undefined ? {} : { after }),
            });
            assert.ok(page.items.length <= limit);
            seen.push(...page.items.map(({ id }) => id));
            after = page.next ?? undefined;
          } while (after !== undefined);
          assert.deepEqual(seen, sorted);
        }
        const odd = await store.listDocuments(ref.collection, { filter: equalTo('price', 1), limit: 1000 });
        assert.deepEqual(
          odd.items.map(({ id }) => id),
          sorted.filter((id) => ids.indexOf(id) % 2 === 1),
        );
        const past = await store.listDocuments(ref.collection, { filter: ALL, limit: 2, after: 'é' });
        await store.deleteDocuments(ref.collection, ['é']);
        const gone = await store.listDocuments(ref.collection, { filter: ALL, limit: 2, after: 'é' });
        assert.deepEqual(gone, past, 'the page after an id that has gone');
        const [summary] = past.items;
        assert.ok(summary !== undefined);
        const { document, ...rest } = (await store.getDocument(ref.collection, summary.id)) ?? assert.fail();
        const { id, title, source, metadata } = document;
        assert.deepEqual(summary, { id, title, source, metadata, ...rest });
      },
    },

    {
      name: 'counts and deletes, by id and by filter',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        const writes = Array.from({ length: 12 }, (_, index) =>
          writeOf(`d${String(index)}`, ['engine valve'], {
            values: index % 3 === 0 ? {} : { price: index % 3 },
          }),
        );
        await store.putDocuments(ref, PIN, writes);
        assert.equal(await store.countDocuments(ref.collection, ALL), 12);
        assert.equal(await store.countDocuments(ref.collection, { kind: 'none' }), 0);
        assert.equal(await store.deleteDocuments(ref.collection, ['d0', 'd0', 'nobody']), 1);
        assert.equal(await store.deleteDocuments(ref.collection, []), 0);
        assert.equal(await store.deleteByFilter(ref.collection, { kind: 'none' }), 0);
        // `$ne` also takes those without the field.
        assert.equal(
          await store.deleteByFilter(ref.collection, { kind: 'not', filter: equalTo('price', 1) }),
          7,
        );
        assert.deepEqual(await store.countCollection(ref.collection), { documents: 4, chunks: 4 });
        const hits = await store.keywordLeg(ref, { text: 'engine', k: 50, filter: ALL });
        assert.deepEqual(hits.map(({ documentId }) => documentId).toSorted(), ['d1', 'd10', 'd4', 'd7']);
        assert.equal(await store.getDocument(ref.collection, 'd0'), null);
      },
    },
  ],
};

function toRecord(write: DocumentWrite, chunk: DocumentWrite['chunks'][number]): ChunkRecord {
  const { vector: _, ...rest } = chunk;
  const { title, source, metadata } = write.document;
  return { ...rest, title, source, metadata, values: write.values };
}
