import assert from 'node:assert/strict';
import { hasCode } from '../../errors.js';
import type { Fields, Metric, Partitions, VectorIndex } from '../../model.js';
import { ALL, FIELDS, PIN, createIn, specOf, writeOf } from '../fixtures.js';
import type { CheckGroup, Context } from '../check.js';

const PARTITIONED = [
  { field: 'dept', count: 2, by: 'value' },
  { field: 'created_at', count: 12, by: 'month' },
] as const satisfies readonly Partitions[];

/** Making, finding, changing and removing collections, also by several callers at once. */
export const collectionChecks: CheckGroup = {
  name: 'collections',
  checks: [
    {
      name: 'answers a ping, and says what it can do',
      async run(context: Context): Promise<void> {
        const store = context.store();
        await store.ping();
        assert.ok(store.kind !== '');
        assert.ok(store.capabilities.metrics.length > 0 && store.capabilities.maxDimensions >= 2000);
      },
    },

    {
      name: 'keeps a collection as it was specified',
      async run(context: Context): Promise<void> {
        const indexes: readonly VectorIndex[] = [
          { kind: 'hnsw', m: 16, efConstruction: 64, buildAfter: 1000 },
          { kind: 'ivfflat', lists: 'auto', buildAfter: 1000 },
          { kind: 'ivfflat', lists: 7, buildAfter: 0 },
          { kind: 'none' },
          ...(context.store().capabilities.partitions === true ? PARTITIONED : []).map(
            (partitions) =>
              ({ kind: 'hnsw', m: 16, efConstruction: 64, buildAfter: 1000, partitions }) as const,
          ),
        ];
        const metrics: readonly Metric[] = ['cosine', 'dot', 'l2'];
        const ids = new Set<number>();
        const supported = indexes.filter(({ kind }) => context.store().capabilities.indexes.includes(kind));
        for (const [at, index] of supported.entries()) {
          const spec = specOf({
            name: context.newName(),
            metric: metrics[at % 3] ?? 'l2',
            index,
            fieldMode: at % 2 === 0 ? 'inferred' : 'declared',
            language: at % 2 === 0 ? 'none' : 'english',
          });
          const made = await context.store().createCollection(spec);
          const { name, fieldMode, fields, language, ...generation } = spec;
          const { id, ...kept } = made.generation;
          assert.deepEqual(kept, { state: 'active', ...generation });
          assert.deepEqual(
            { name: made.name, fieldMode: made.fieldMode, fields: made.fields, language: made.language },
            { name, fieldMode, fields, language },
          );
          assert.equal(new Date(made.createdAt).toISOString(), made.createdAt);
          assert.deepEqual(await context.store().getCollection(name), made);
          assert.deepEqual(
            (await context.store().listCollections()).filter((one) => one.name === name),
            [made],
          );
          ids.add(id);
        }
        assert.equal(ids.size, supported.length, 'generation ids are unique');
        assert.ok(ids.size > 0);
        for (const index of indexes) {
          if (supported.includes(index)) continue;
          const name = context.newName();
          await assert.rejects(context.store().createCollection(specOf({ name, index })), {
            code: 'unsupported_capability',
          });
          assert.equal(await context.store().getCollection(name), null);
        }
      },
    },

    {
      name: 'lists collections by name',
      async run(context: Context): Promise<void> {
        const base = context.newName();
        const made = ['zz-list', 'aa-list', 'a1-list', 'm_list'].map((name) => `${base}-${name}`);
        for (const name of made) await createIn(context.store(), specOf({ name }));
        const names = (await context.store().listCollections()).map(({ name }) => name);
        assert.deepEqual(names, names.toSorted());
        assert.deepEqual(
          names.filter((name) => made.includes(name)),
          made.toSorted(),
        );
      },
    },

    {
      name: 'refuses a name that is taken, one winner among concurrent callers',
      async run(context: Context): Promise<void> {
        const name = context.newName();
        const calls = Array.from({ length: 8 }, () => context.store().createCollection(specOf({ name })));
        const results = await Promise.allSettled(calls);
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
        for (const result of results) {
          if (result.status === 'rejected') assert.ok(hasCode(result.reason, 'collection_exists'));
        }
        await assert.rejects(context.store().createCollection(specOf({ name })), {
          code: 'collection_exists',
        });
        const [winner] = results.filter((result) => result.status === 'fulfilled');
        assert.deepEqual(await context.store().getCollection(name), winner?.value);
      },
    },

    {
      name: 'refuses more dimensions than it can keep',
      async run(context: Context): Promise<void> {
        const dimensions = context.store().capabilities.maxDimensions + 1;
        const name = context.newName();
        await assert.rejects(
          context.store().createCollection(specOf({ name, pin: { ...PIN, dimensions } })),
          {
            code: 'unsupported_capability',
          },
        );
        assert.equal(await context.store().getCollection(name), null);
      },
    },

    {
      name: 'removes a collection with all it holds, and its name is free again',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const ref = await context.create();
        await store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]);
        assert.equal(await store.deleteCollection(ref.collection), true);
        assert.equal(await store.deleteCollection(ref.collection), false);
        assert.equal(await store.getCollection(ref.collection), null);
        await assert.rejects(store.countCollection(ref.collection), { code: 'collection_not_found' });

        const again = await createIn(store, specOf({ name: ref.collection }));
        assert.notEqual(again.generation, ref.generation);
        assert.deepEqual(await store.countCollection(ref.collection), { documents: 0, chunks: 0 });
        assert.deepEqual(await store.keywordLeg(again, { text: 'engine', k: 10, filter: ALL }), []);
        await assert.rejects(store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]), {
          code: 'collection_not_found',
        });
      },
    },

    {
      name: 'keeps collections apart',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const [one, other] = [await context.create(), await context.create({ metric: 'l2' })];
        await store.putDocuments(one, PIN, [writeOf('a', ['engine', 'valve'])]);
        await store.putDocuments(other, PIN, [writeOf('a', ['rotor'], { version: '2' })]);
        assert.deepEqual(await store.countCollection(one.collection), { documents: 1, chunks: 2 });
        assert.deepEqual(await store.countCollection(other.collection), { documents: 1, chunks: 1 });
        assert.deepEqual(await store.keywordLeg(other, { text: 'engine', k: 10, filter: ALL }), []);
        await store.deleteDocuments(other.collection, ['a']);
        assert.deepEqual(await store.countCollection(one.collection), { documents: 1, chunks: 2 });
        await assert.rejects(
          store.keywordLeg({ ...one, generation: other.generation }, { text: 'x', k: 1, filter: ALL }),
          { code: 'collection_not_found' },
        );
      },
    },

    {
      name: 'adds fields, all of a call or none',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const { collection } = await context.create();
        const added = await store.addFields(collection, { version: 'number', 'a.b "c"': 'date[]' });
        const expected: Fields = { ...FIELDS, version: 'number', 'a.b "c"': 'date[]' };
        assert.deepEqual(added.fields, expected);
        assert.deepEqual((await store.addFields(collection, { version: 'number' })).fields, expected);
        await assert.rejects(store.addFields(collection, { fresh: 'keyword', version: 'number[]' }), {
          code: 'field_type_conflict',
        });
        assert.deepEqual((await store.getCollection(collection))?.fields, expected);
      },
    },

    {
      name: 'ends with one type a field when concurrent callers disagree',
      async run(context: Context): Promise<void> {
        const store = context.store();
        const { collection } = await context.create();
        const types = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? 'keyword' : 'number'));
        const results = await Promise.allSettled(
          types.map((type, index) =>
            store.addFields(collection, { contested: type, [`own${String(index)}`]: type }),
          ),
        );
        const fields = (await store.getCollection(collection))?.fields ?? {};
        const winner = fields['contested'];
        for (const [index, result] of results.entries()) {
          const type = types[index];
          assert.equal(result.status, type === winner ? 'fulfilled' : 'rejected');
          if (result.status === 'rejected') assert.ok(hasCode(result.reason, 'field_type_conflict'));
          assert.equal(fields[`own${String(index)}`], type === winner ? type : undefined);
        }
      },
    },
  ],
};
