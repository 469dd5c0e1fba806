/** Generations and records on Oracle where calls are cut off, answers are lost, and others change things. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Filter, Pin } from '../../src/model.js';
import type { GenerationSpec, GenerationStore, RecordStore } from '../../src/stores/generations-port.js';
import { RetrievalError } from '../../src/errors.js';
import { openOracleStoreOn } from '../../src/stores/oracle/index.js';
import type { DocumentWrite, GenerationRef, VectorStore } from '../../src/stores/port.js';
import { ALL, PIN, createIn, equalTo, specOf, writeOf } from '../conformance/store/fixtures.js';
import { createRandom } from '../support/random.js';
import { doubleDriver } from './double/connection.js';
import { oracleError } from './double/errors.js';
import { startDoubleServer } from './double/server.js';
import type { DoubleServer } from './double/server.js';

/** A fault that no second try mends, and one that is tried again. */
const full = (): Error => oracleError(1652, 'unable to grow the temporary segment');
const lost = (): Error => oracleError(3113, 'end-of-file on communication channel');

const OTHER: Pin = { ...PIN, model: 'other', dimensions: 8 };
const SPEC: GenerationSpec = {
  embedder: 'other',
  pin: OTHER,
  chunker: { kind: 'structure', targetTokens: 200, overlapTokens: 0 },
  metric: 'cosine',
  index: { kind: 'ivfflat', lists: 4, buildAfter: 1 },
};

describe("an Oracle store's generations", () => {
  let server: DoubleServer;
  let store: VectorStore;
  let generations: GenerationStore;
  let records: RecordStore;
  before(async () => {
    server = await startDoubleServer();
    ({ store, generations, records } = await open(server));
  });
  after(async () => {
    await store.close();
    await server.close();
  });

  const sql = async (text: string): Promise<readonly string[]> => {
    const connection = await doubleDriver(server).acquire();
    const { rows } = await connection.execute<[string]>(text, {}, { autoCommit: true });
    await connection.close();
    return (rows ?? []).map(([value]) => value);
  };
  const tables = async (): Promise<readonly string[]> =>
    (await sql('SELECT table_name FROM user_tables')).filter((name) => name.startsWith('PLUMBLINE_')).sort();
  const noted = (): Promise<readonly string[]> => sql('SELECT table_name FROM plumbline_garbage');

  /** Runs with a fault after 0, 1, 2, … statements until it is not met. @returns how often it was */
  const everywhere = async (
    run: () => Promise<unknown>,
    check: (passed: number) => Promise<void>,
  ): Promise<number> => {
    for (let passed = 0; ; passed += 1) {
      server.faults.push(...Array.from({ length: passed }, () => null), full());
      const outcome = await run().then(
        () => null,
        (error: unknown) => error,
      );
      const isMet = server.faults.length === 0;
      server.faults.length = 0;
      if (!isMet) {
        assert.equal(outcome, null);
        return passed;
      }
      await check(passed);
    }
  };

  it('are made whole or not at all, wherever making one is cut off', async () => {
    const ref = await createIn(store, specOf({ name: 'cut-create' }));
    const own = await tables();
    const cuts = await everywhere(
      () => generations.create(ref.collection, SPEC),
      async () => {
        const listed = await generations.list(ref.collection);
        // Its answer may be lost where it is made and read back only.
        for (const { id, state } of listed)
          if (state === 'building') await generations.drop({ ...ref, generation: id });
        assert.deepEqual(await tables(), own);
        assert.deepEqual(await noted(), []);
      },
    );
    assert.ok(cuts > 15, String(cuts));
    assert.equal((await generations.list(ref.collection)).length, 2);
  });

  it('are made once when an answer is lost', async () => {
    const ref = await createIn(store, specOf({ name: 'lost-create' }));
    for (let passed = 0; passed < 15; passed += 1) {
      server.commitFaults.push(...Array.from({ length: passed }, () => null), lost());
      const made = await generations.create(ref.collection, SPEC);
      server.commitFaults.length = 0;
      const [, building, ...more] = await generations.list(ref.collection);
      assert.deepEqual([building?.id, more], [made.id, []]);
      assert.equal(await generations.drop({ ...ref, generation: made.id }), true);
    }
    // Tables of a try that was given up are noted.
    for (const table of await noted())
      await sql(
        `UPDATE plumbline_garbage SET noted_at = SYSTIMESTAMP - INTERVAL '2' HOUR WHERE table_name = '${table}'`,
      );
    await open(server);
    assert.deepEqual(await noted(), []);
  });

  it('keep each document whole when a write, a delete or a fill is cut off', async () => {
    const { ref, to, writes } = await filled('cut-write', 3);
    const counts = (): Promise<unknown> => snapshot(ref, to);
    const untouched = await counts();
    const check = async (): Promise<void> => {
      assert.deepEqual(await counts(), untouched);
    };
    const changed = writeOf('d0', ['engine', 'valve'], { version: '2' });
    const beside = {
      generation: to.generation,
      pin: OTHER,
      chunks: new Map([['d0', short(changed).chunks]]),
    };
    const written = await everywhere(
      () => store.putDocuments(ref, PIN, [changed], { beside: [beside] }),
      check,
    );
    assert.ok(written > 15, String(written));
    const now = await counts();
    assert.notDeepEqual(now, untouched);

    const stillNow = async (): Promise<void> => {
      assert.deepEqual(await counts(), now);
    };
    const { document, contentHash, chunks } = short(changed);
    const fill = { documentId: document.id, contentHash, chunks: chunks.slice(0, 1) };
    await everywhere(() => generations.putChunks(to, OTHER, [fill]), stillNow);
    const then = await counts();
    assert.notDeepEqual(then, now);
    await everywhere(
      () => store.deleteDocuments(ref.collection, ['d0', 'd1']),
      async () => {
        assert.deepEqual(await counts(), then);
      },
    );
    assert.deepEqual(
      (await generations.list(ref.collection)).map(({ documents, missing }) => [documents, missing]),
      [
        [1, 0],
        [1, 0],
      ],
    );
    assert.equal(writes.length, 3);
  });

  it('are written once when an answer is lost', async () => {
    const { ref, to } = await filled('lost-write', 2);
    const changed = writeOf('d0', ['engine', 'valve'], { version: '2' });
    const beside = {
      generation: to.generation,
      pin: OTHER,
      chunks: new Map([['d0', short(changed).chunks]]),
    };
    server.commitFaults.push(lost());
    await store.putDocuments(ref, PIN, [changed], { beside: [beside] });
    assert.equal(server.commitFaults.length, 0);
    assert.deepEqual(
      (await generations.list(ref.collection)).map(({ chunks, missing }) => [chunks, missing]),
      [
        [3, 0],
        [3, 0],
      ],
    );
  });

  it('switch wholly or not at all', async () => {
    const { ref, to, writes } = await filled('cut-switch', 2);
    await generations.putChunks(to, OTHER, writes.map(twice));
    const cuts = await everywhere(
      () => generations.activate(to, ref.generation),
      async () => {
        assert.equal((await store.getCollection(ref.collection))?.generation.id, ref.generation);
        assert.equal((await store.getDocument(ref.collection, 'd0'))?.chunkCount, 1);
      },
    );
    assert.ok(cuts >= 6, String(cuts));
    assert.equal((await store.getCollection(ref.collection))?.generation.id, to.generation);
    assert.equal((await store.getDocument(ref.collection, 'd0'))?.chunkCount, 2);
    // Made, and not answered.
    server.commitFaults.push(lost());
    await generations.activate(ref, to.generation);
    assert.equal(server.commitFaults.length, 0);
    assert.equal((await store.getCollection(ref.collection))?.generation.id, ref.generation);
    assert.equal((await store.getDocument(ref.collection, 'd0'))?.chunkCount, 1);
  });

  it('are gone at once when they are dropped, and their tables in the end', async () => {
    const { ref, to } = await filled('cut-drop', 2);
    const all = await tables();
    // In the transaction: nothing has happened. After it: it is gone, and its tables are noted.
    let passed = 0;
    for (let isDropped = false; !isDropped; passed += 1) {
      server.faults.push(...Array.from({ length: passed }, () => null), full());
      isDropped = await generations.drop(to).catch(() => false);
      assert.equal(server.faults.length, 0, 'the fault was met');
      assert.deepEqual(await tables(), all);
      assert.equal((await generations.list(ref.collection)).length, isDropped ? 1 : 2);
    }
    assert.ok(passed > 5, String(passed));
    assert.equal((await noted()).length, 3);
    await assert.rejects(store.keywordLeg(to, { text: 'engine', k: 5, filter: ALL }), {
      code: 'collection_not_found',
    });
    await sql("UPDATE plumbline_garbage SET noted_at = SYSTIMESTAMP - INTERVAL '2' HOUR");
    await open(server);
    assert.deepEqual([await noted(), (await tables()).length], [[], all.length - 3]);

    const again = { ...ref, generation: (await generations.create(ref.collection, SPEC)).id };
    server.commitFaults.push(lost());
    assert.equal(await generations.drop(again), true);
    assert.equal(await generations.drop(again), false);
    assert.equal((await tables()).length, all.length - 3);
  });

  it('are indexed each on its own, and searched through the index', async () => {
    const { ref, to } = await filled('indexed', 30);
    const query = { vector: new Float32Array(8).fill(0.5), k: 3, filter: ALL };
    assert.equal((await store.vectorLeg(to, query)).plan.strategy, 'exact');
    await store.finishLoad(to);
    assert.equal((await store.vectorLeg(to, query)).plan.strategy, 'approximate');
    await generations.activate(to, ref.generation);
    await store.finishLoad(to);
    assert.equal((await store.vectorLeg(to, query)).plan.strategy, 'approximate');
  });

  it('change under other processes, which go on or are told', async () => {
    const { ref, to, writes } = await filled('elsewhere', 2);
    const other = await open(server);
    // The other process remembers the generation as the active one.
    assert.equal((await other.store.getCollection(ref.collection))?.generation.id, ref.generation);
    const chunks = new Map(writes.map((write) => [write.document.id, short(write).chunks]));
    const beside = { generation: to.generation, pin: OTHER, chunks };
    await other.store.putDocuments(ref, PIN, writes, { beside: [beside] });
    await generations.activate(to, ref.generation);
    const ask = { text: 'engine', k: 5, filter: ALL };
    assert.equal((await other.store.keywordLeg(ref, ask)).length, 2);
    await assert.rejects(other.store.putDocuments(ref, PIN, writes), { code: 'generation_conflict' });
    assert.deepEqual(await other.generations.putChunks(ref, PIN, writes.map(filling)), ['d0', 'd1']);
    await assert.rejects(other.generations.putChunks(to, OTHER, writes.map(short).map(filling)), {
      code: 'generation_conflict',
    });
    // A delete reaches every generation, whichever the process takes for the active one.
    assert.equal(await other.store.deleteDocuments(ref.collection, ['d1']), 1);
    assert.equal((await store.keywordLeg(to, ask)).length, 1);
    assert.equal((await store.keywordLeg(ref, ask)).length, 1);
    await generations.drop(ref);
    await assert.rejects(other.store.keywordLeg(ref, ask), { code: 'collection_not_found' });
    const near = { vector: new Float32Array(PIN.dimensions).fill(0.5), k: 5, filter: ALL };
    await assert.rejects(other.store.vectorLeg(ref, near), { code: 'collection_not_found' });
  });

  it('hold no older text than the active one, whoever writes, fills, adds and switches at once', async () => {
    const { ref, to } = await filled('churn', 6);
    const random = createRandom(5);
    const both = [ref, to];
    let version = 0;
    /** The active generation gets the new text; every other time the one beside gets it too. */
    const write = async (id: string): Promise<void> => {
      const own = String((version += 1));
      const next = writeOf(id, ['engine', `valve ${own}`, `pump ${own}`], { version: own });
      const { generation } = (await store.getCollection(ref.collection)) ?? {};
      const isFirst = generation?.id === ref.generation;
      const [active, other] = isFirst ? [next, short(next)] : [short(next), next];
      const beside = {
        generation: isFirst ? to.generation : ref.generation,
        pin: isFirst ? OTHER : PIN,
        chunks: new Map([[id, other.chunks]]),
      };
      await store.putDocuments(
        { ...ref, generation: generation?.id ?? 0 },
        isFirst ? PIN : OTHER,
        [{ ...next, chunks: active.chunks }],
        { beside: version % 2 === 0 ? [beside] : [] },
      );
    };
    const fill = async (): Promise<void> => {
      const [target, pin] = random.int(2) === 0 ? ([ref, PIN] as const) : ([to, OTHER] as const);
      for (const { id, contentHash } of await generations.missing(target, { limit: 9 })) {
        const stored = await store.getDocument(ref.collection, id);
        const own = /valve (\d+)/u.exec(stored?.document.text ?? '')?.[1];
        if (own === undefined) continue;
        const made = writeOf(id, ['engine', `valve ${own}`, `pump ${own}`], { version: own });
        const { chunks } = target === ref ? made : short(made);
        await generations.putChunks(target, pin, [{ documentId: id, contentHash, chunks }]);
      }
    };
    const flip = async (): Promise<void> => {
      const active = (await store.getCollection(ref.collection))?.generation.id ?? 0;
      await generations.activate(active === ref.generation ? to : ref, active);
    };
    /** Each generation holds a document's chunks whole, and of one text. */
    const read = async (id: string): Promise<void> => {
      for (const one of both) {
        const chunks = await store.documentChunks(one, id);
        const texts = new Set(chunks.slice(1).map(({ text }) => text.split(' ')[1]));
        assert.ok([0, 1, 3].includes(chunks.length) && texts.size <= 1, `${String(chunks.length)} chunks`);
      }
    };
    const conflicts = (error: unknown): void => {
      if (!(error instanceof RetrievalError) || error.code !== 'generation_conflict') throw error;
    };
    await Promise.all(
      Array.from({ length: 6 }, async (_, worker) => {
        for (let round = 0; round < 10; round += 1) {
          const id = `d${String(random.int(6))}`;
          const what = random.int(8);
          if (what < 3) await write(id).catch(conflicts);
          else if (what === 3) await fill().catch(conflicts);
          else if (what === 4) await flip().catch(conflicts);
          else if (what === 5) await store.deleteDocuments(ref.collection, [id]);
          else if (what === 6) await read(id);
          else await store.addFields(ref.collection, { [`f${String(worker)}_${String(round)}`]: 'number' });
        }
      }),
    );
    const { items } = await store.listDocuments(ref.collection, { filter: ALL, limit: 50 });
    const hashes = new Map<string, string>(items.map(({ id, contentHash }) => [id, contentHash]));
    for (const [at, { id, chunks, documents, missing }] of (
      await generations.list(ref.collection)
    ).entries()) {
      const one = both[at] ?? ref;
      assert.equal(one.generation, id);
      let found = 0;
      for (const document of hashes.keys()) {
        const held = await store.documentChunks(one, document);
        found += held.length;
        const stored = await store.getDocument(ref.collection, document);
        for (const { text } of held) assert.ok(stored?.document.text.includes(text), 'of the text there is');
      }
      assert.equal(chunks, found);
      assert.equal(documents + missing, hashes.size);
    }
  });

  it('take the fields of documents as they are stored, long words and lists too', async () => {
    const ref = await createIn(store, specOf({ name: 'fields' }));
    const long = 'é'.repeat(5000);
    const values = { dept: long, tags: ['', long], price: -1.5e-300, open: true, created_at: 1.7e12 };
    const writes = [writeOf('full', ['engine'], { values }), writeOf('bare', ['engine'], { values: {} })];
    await store.putDocuments(ref, PIN, writes);
    const to = { ...ref, generation: (await generations.create(ref.collection, SPEC)).id };
    await generations.putChunks(to, OTHER, writes.map(short).map(filling));
    const found = async (filter: Filter): Promise<readonly string[]> =>
      (await store.keywordLeg(to, { text: 'engine', k: 5, filter })).map(({ documentId }) => documentId);
    assert.deepEqual(await found(equalTo('dept', `${long}x`)), []);
    assert.deepEqual(await found(equalTo('dept', long)), ['full']);
    assert.deepEqual(await found(equalTo('tags', long)), ['full']);
    assert.deepEqual(await found(equalTo('tags', '')), ['full']);
    assert.deepEqual(await found(equalTo('price', -1.5e-300)), ['full']);
    assert.deepEqual(await found(equalTo('open', true)), ['full']);
    assert.deepEqual(await found(equalTo('created_at', 1.7e12)), ['full']);
  });

  it('have records that are kept once when an answer is lost', async () => {
    const { collection } = await createIn(store, specOf({ name: 'records' }));
    server.commitFaults.push(lost());
    const large = 'größe '.repeat(20_000);
    const made = await records.append(collection, 'a', { large });
    assert.equal(server.commitFaults.length, 0);
    assert.deepEqual(await records.list(collection, { kinds: ['a'], limit: 5 }), [made]);
    assert.deepEqual(await records.list(collection, { kinds: [], limit: 5 }), []);
    assert.equal(await records.remove(collection, []), 0);
  });

  async function filled(
    name: string,
    documents: number,
  ): Promise<{
    readonly ref: GenerationRef;
    readonly to: GenerationRef;
    readonly writes: readonly DocumentWrite[];
  }> {
    const ref = await createIn(store, specOf({ name }));
    const writes = Array.from({ length: documents }, (_, at) =>
      writeOf(`d${String(at)}`, [`engine number ${String(at)}`]),
    );
    await store.putDocuments(ref, PIN, writes);
    const to = { ...ref, generation: (await generations.create(name, SPEC)).id };
    await generations.putChunks(to, OTHER, writes.map(short).map(filling));
    return { ref, to, writes };
  }

  /** What readers of both generations can tell. */
  async function snapshot(...refs: readonly GenerationRef[]): Promise<unknown> {
    const seen: unknown[] = [];
    for (const ref of refs) {
      const hits = await store.keywordLeg(ref, { text: 'engine valve', k: 50, filter: ALL });
      const listed = await generations.list(ref.collection);
      const held = listed.map(({ id, chunks, documents, missing }) => [id, chunks, documents, missing]);
      const stored = await store.listDocuments(ref.collection, { filter: ALL, limit: 50 });
      seen.push(
        hits,
        held,
        stored.items.map(({ id, contentHash, chunkCount }) => [id, contentHash, chunkCount]),
      );
    }
    return seen;
  }
});

interface Opened {
  readonly store: VectorStore;
  readonly generations: GenerationStore;
  readonly records: RecordStore;
}

async function open(server: DoubleServer): Promise<Opened> {
  const store = await openOracleStoreOn(doubleDriver(server));
  const { generations, records } = store;
  assert.ok(generations !== undefined && records !== undefined);
  return { store, generations, records };
}

/** With vectors of the other model. */
function short(write: DocumentWrite): DocumentWrite {
  return {
    ...write,
    chunks: write.chunks.map((chunk) => ({ ...chunk, vector: chunk.vector.slice(0, OTHER.dimensions) })),
  };
}

function filling({ document, contentHash, chunks }: DocumentWrite): {
  readonly documentId: string;
  readonly contentHash: string;
  readonly chunks: DocumentWrite['chunks'];
} {
  return { documentId: document.id, contentHash, chunks };
}

/** Each chunk two times over, as a chunker of smaller chunks would make them. */
function twice(write: DocumentWrite): ReturnType<typeof filling> {
  const { chunks, ...rest } = filling(short(write));
  const more = chunks.map((chunk) => ({ ...chunk, id: `${chunk.id}-2`, ordinal: chunk.ordinal + 1 }));
  return { ...rest, chunks: [...chunks, ...more] };
}
