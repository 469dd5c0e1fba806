/** What is Oracle's own in the Oracle store: its definitions, its errors, its limits. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createCatalog } from '../../src/catalog/catalog.js';
import { RetrievalError } from '../../src/errors.js';
import { compareCodePoints } from '../../src/metadata/compare-code-points.js';
import { createMemoryStore } from '../../src/stores/memory/index.js';
import { openOracleStore, openOracleStoreOn } from '../../src/stores/oracle/index.js';
import { NO_PIECE, TAIL_PIECES, encodeKeyword } from '../../src/stores/oracle/keywords.js';
import type { GenerationRef, VectorStore } from '../../src/stores/port.js';
import { ALL, PIN, createIn, equalTo, specOf, vectorOf, writeOf } from '../conformance/store/fixtures.js';
import { doubleDriver } from './double/connection.js';
import { oracleError } from './double/errors.js';
import { startDoubleServer } from './double/server.js';
import type { DoubleServer } from './double/server.js';

/** A fault that no second try mends. */
const full = (): Error => oracleError(1652, 'unable to grow the temporary segment');

describe('an Oracle store', () => {
  let server: DoubleServer;
  let store: VectorStore;
  before(async () => {
    server = await startDoubleServer();
    store = await openOracleStoreOn(doubleDriver(server));
  });
  after(async () => {
    await store.close();
    await server.close();
  });

  const tables = async (prefix: string): Promise<readonly string[]> => {
    const connection = await doubleDriver(server).acquire();
    const { rows } = await connection.execute<[string]>('SELECT table_name FROM user_tables');
    await connection.close();
    return (rows ?? []).map(([name]) => name).filter((name) => name.startsWith(prefix));
  };
  const change = async (sql: string): Promise<void> => {
    const connection = await doubleDriver(server).acquire();
    await connection.execute(sql, {}, { autoCommit: true });
    await connection.close();
  };

  it('opens wherever an earlier start was cut off, and beside other starts', async () => {
    let cuts = 0;
    for (let isCut = true; isCut; cuts += isCut ? 1 : 0) {
      const prefix = `cut${String(cuts)}`;
      server.faults.push(...Array.from({ length: cuts }, () => null), full());
      const opened = await openOracleStoreOn(doubleDriver(server), prefix).catch((error: unknown) => error);
      isCut = server.faults.length === 0;
      server.faults.length = 0;
      if (isCut) assert.ok(opened instanceof RetrievalError && opened.code === 'store_error');
      await Promise.all(Array.from({ length: 4 }, () => openOracleStoreOn(doubleDriver(server), prefix)));
      const again = await openOracleStoreOn(doubleDriver(server), prefix);
      assert.deepEqual(await again.listCollections(), []);
      assert.equal((await tables(`${prefix.toUpperCase()}_`)).length, 6);
    }
    // Each statement of a start is one to be cut off at.
    assert.ok(cuts >= 18, String(cuts));
  });

  it('refuses a schema that a newer Plumbline made, and a migration that is not its own', async () => {
    await openOracleStoreOn(doubleDriver(server), 'newer');
    await change("UPDATE newer_migrations SET checksum = 'x' WHERE version = 1");
    await assert.rejects(openOracleStoreOn(doubleDriver(server), 'newer'), { code: 'store_error' });
    await change('UPDATE newer_migrations SET version = 99 WHERE version = 1');
    await assert.rejects(openOracleStoreOn(doubleDriver(server), 'newer'), { code: 'schema_too_new' });
  });

  it('refuses a database that does not keep text as UTF-8', async () => {
    await change("UPDATE nls_database_parameters SET value = 'WE8MSWIN1252' WHERE value = 'AL32UTF8'");
    await assert.rejects(openOracleStoreOn(doubleDriver(server)), /AL32UTF8/u);
    await change("UPDATE nls_database_parameters SET value = 'AL32UTF8' WHERE value = 'WE8MSWIN1252'");
  });

  it('leaves a name free and no table behind when making a collection fails', async () => {
    const count = (await tables('PLUMBLINE_')).length;
    for (const passed of [3, 9, 14, 20]) {
      server.faults.push(...Array.from({ length: passed }, () => null), full());
      await assert.rejects(store.createCollection(specOf({ name: 'half' })), { code: 'store_error' });
      assert.equal(server.faults.length, 0, 'the fault was met');
      assert.equal(await store.getCollection('half'), null);
      assert.equal((await tables('PLUMBLINE_')).length, count);
    }
    await store.createCollection(specOf({ name: 'half' }));
    await store.deleteCollection('half');
    assert.equal((await tables('PLUMBLINE_')).length, count);
  });

  it('keeps a collection whose commit was made but not answered', async () => {
    const lost = oracleError(3113, 'end-of-file on communication channel');
    // Whichever commit it is: those of the notes, or that of the collection itself.
    const before = (await tables('PLUMBLINE_')).length;
    await store.createCollection(specOf({ name: 'answered' }));
    const own = (await tables('PLUMBLINE_')).length - before;
    for (let passed = 0; passed <= own * 2; passed += 1) {
      const name = `unanswered-${String(passed)}`;
      server.commitFaults.push(...Array.from({ length: passed }, () => null), lost);
      const made = await store.createCollection(specOf({ name }));
      assert.equal(server.commitFaults.length, 0, 'the fault was met');
      assert.deepEqual(await store.getCollection(name), made);
      const ref = { collection: name, generation: made.generation.id };
      await store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]);
      assert.deepEqual(await store.countCollection(name), { documents: 1, chunks: 1 });
      assert.equal(await store.deleteCollection(name), true);
    }
    assert.equal((await tables('PLUMBLINE_')).length, before + own);
    await store.deleteCollection('answered');
  });

  it('drops the tables of a crash when it is opened later, and only those', async () => {
    await change('CREATE TABLE plumbline_g777_chunks (id NUMBER(18))');
    await change('CREATE TABLE plumbline_g778_chunks (id NUMBER(18))');
    await change(
      "INSERT INTO plumbline_garbage (table_name, noted_at) VALUES ('plumbline_g777_chunks', SYSTIMESTAMP - INTERVAL '2' HOUR)",
    );
    await change("INSERT INTO plumbline_garbage (table_name) VALUES ('plumbline_g778_chunks')");
    await openOracleStoreOn(doubleDriver(server));
    assert.deepEqual(await tables('PLUMBLINE_G77'), ['PLUMBLINE_G778_CHUNKS']);
    await change('DELETE FROM plumbline_garbage');
    await change('DROP TABLE plumbline_g778_chunks PURGE');
  });

  it('adds a field over the column of a call that was cut off, whatever its type was', async () => {
    const ref = await createIn(store, specOf({ name: 'cut-field', fields: {} }));
    // The lock's row, the generations, the first table's column and index, then the second table's.
    server.faults.push(null, null, null, null, full());
    await assert.rejects(store.addFields(ref.collection, { late: 'keyword' }), { code: 'store_error' });
    assert.deepEqual((await store.getCollection(ref.collection))?.fields, {});
    await store.addFields(ref.collection, { late: 'number' });
    await store.putDocuments(ref, PIN, [writeOf('a', ['engine'], { values: { late: 0.5 } })]);
    const filter = {
      kind: 'compare',
      field: { name: 'late', type: 'number' },
      operator: 'eq',
      value: 0.5,
    } as const;
    assert.equal(await store.countDocuments(ref.collection, filter), 1);
  });

  describe('errors', () => {
    let ref: GenerationRef;
    before(async () => {
      ref = await createIn(store, specOf({ name: 'errors' }));
      await store.putDocuments(ref, PIN, [writeOf('a', ['engine'])]);
    });

    const transient = [
      oracleError(60, 'deadlock'),
      oracleError(54, 'resource busy'),
      oracleError(3113, 'end-of-file on communication channel'),
      oracleError(12_541, 'no listener'),
      oracleError(51_815, 'vector index changes'),
      Object.assign(new Error('NJS-500: connection to the Oracle Database instance was closed'), {
        code: 'NJS-500',
      }),
    ];
    for (const fault of transient) {
      it(`tries again after ${fault.message.slice(0, 9)}, from the start, and gives up in the end`, async () => {
        // In the middle of a write, after its first changes.
        server.faults.push(null, null, null, null, null, fault);
        await store.putDocuments(ref, PIN, [writeOf('a', ['valve', 'rotor'])]);
        assert.equal(server.faults.length, 0, 'the fault was met');
        assert.deepEqual(await store.countCollection(ref.collection), { documents: 1, chunks: 2 });
        server.faults.push(fault, fault, fault, fault);
        await assert.rejects(store.ping(), { code: 'store_unavailable', retryable: true });
        assert.equal(server.faults.length, 0, 'four tries');
      });
    }

    const final: readonly (readonly [Error, string, RegExp])[] = [
      [oracleError(51_962, 'The vector memory area is out of space'), 'store_error', /vector_memory_size/u],
      [oracleError(51_928, 'DML is not supported'), 'store_error', /ivfflat/u],
      [oracleError(51_908, 'too few rows'), 'store_error', /lists/u],
      [oracleError(1017, 'invalid credential or not authorized; logon denied'), 'store_error', /password/u],
      [oracleError(51_803, 'Vector dimension count must match'), 'invalid_vector', /model/u],
      [oracleError(942, 'table or view does not exist'), 'collection_not_found', /gone/u],
      [oracleError(1013, 'user requested cancel'), 'timeout', /callTimeout/u],
      [oracleError(7445, 'exception in Confidential'), 'store_error', /ORA-07445/u],
    ];
    for (const [fault, code, message] of final) {
      it(`maps ${fault.message.slice(0, 9)} to ${code}, with no word of Oracle's own`, async () => {
        server.faults.push(fault);
        await assert.rejects(store.ping(), (error: unknown) => {
          assert.ok(error instanceof RetrievalError);
          assert.equal(error.code, code);
          assert.match(error.message, message);
          const shown = `${error.message} ${JSON.stringify(error.details)} ${String(error.cause)}`;
          assert.ok(!shown.includes('Confidential') && !shown.includes(fault.message));
          return true;
        });
        assert.equal(server.faults.length, 0, 'it was not tried again');
      });
    }

    it('searches on exactly when the index finds too few', async () => {
      const index = { kind: 'ivfflat', lists: 100, buildAfter: 1 } as const;
      const indexed = await createIn(store, specOf({ name: 'starved', index }));
      const writes = Array.from({ length: 200 }, (_, at) =>
        writeOf(`d${String(at)}`, [`engine ${String(at)}`]),
      );
      await store.putDocuments(indexed, PIN, writes);
      await store.finishLoad(indexed);
      const query = { vector: vectorOf('x'), filter: ALL };
      const few = await store.vectorLeg(indexed, { ...query, k: 3 });
      assert.deepEqual([few.plan.strategy, few.hits.length], ['approximate', 3]);
      const all = await store.vectorLeg(indexed, { ...query, k: 200 });
      assert.deepEqual([all.plan.strategy, all.hits.length], ['exact', 200]);
      const filtered = await store.vectorLeg(indexed, { ...query, k: 5, filter: equalTo('dept', 'none') });
      assert.deepEqual(filtered, { hits: [], plan: { strategy: 'exact', matches: 0 } });
    });
  });

  it('is where the driver itself checks binds', async () => {
    const connection = await doubleDriver(server).acquire();
    await assert.rejects(
      connection.execute('SELECT 1 AS one FROM DUAL WHERE 1 = :b_1', { b_2: 1 }),
      /NJS-097/u,
    );
    await assert.rejects(connection.execute('SELECT 1 AS one FROM DUAL', { b_1: 1 }), /NJS-098/u);
    await assert.rejects(
      connection.executeMany('INSERT INTO plumbline_garbage (table_name) VALUES (:b_1)', [['long']], {
        bindDefs: [{ type: 2001, maxSize: 2 }],
      }),
      /NJS-\d+/u,
    );
    await connection.close();
  });
});

describe('the default index', () => {
  it("is the first of the store's own", async () => {
    const server = await startDoubleServer();
    const oracle = await openOracleStoreOn(doubleDriver(server));
    const openEmbedder = (name: string): Promise<{ name: string; pin: typeof PIN }> =>
      Promise.resolve({ name, pin: { ...PIN, normalized: true } });
    const kinds = await Promise.all(
      [oracle, createMemoryStore()].map(async (store) => {
        const made = await createCatalog({ store, openEmbedder }).createCollection({
          name: 'a',
          embedder: 'test',
        });
        return made.generation.index.kind;
      }),
    );
    assert.deepEqual(kinds, ['ivfflat', 'hnsw']);
    await oracle.close();
    await server.close();
  });
});

describe('a server that is not there', () => {
  it('is store_unavailable, from the driver itself', async () => {
    const server = {
      user: 'plumbline',
      password: 'secret-word',
      connectString: '127.0.0.1:1/FREEPDB1',
      poolMin: 0,
      poolMax: 2,
      callTimeoutMs: 1000,
    };
    await assert.rejects(openOracleStore(server), (error: unknown) => {
      assert.ok(error instanceof RetrievalError);
      assert.equal(error.code, 'store_unavailable');
      assert.ok(!`${error.message} ${String(error.cause)}`.includes('secret-word'));
      return true;
    });
  });
});

describe('keywords in pieces', () => {
  const keyword = fc
    .tuple(
      fc.constantFrom(
        '',
        'x'.repeat(997),
        'x'.repeat(998),
        '😀'.repeat(998),
        'é'.repeat(1997),
        'x'.repeat(7990),
      ),
      fc.string({ unit: 'binary', maxLength: 4 }).filter((text) => !text.includes('\0')),
    )
    .map(([long, tail]) => long + tail);

  /** As the database compares them: piece by piece, by code point. */
  const compare = (a: string, b: string): number => {
    const [left, right] = [a, b].map((value) => {
      const { head, tail } = encodeKeyword(value);
      return [head, ...Array.from({ length: TAIL_PIECES }, (_, index) => tail[index] ?? NO_PIECE)];
    });
    for (const [index, piece] of (left ?? []).entries()) {
      const order = compareCodePoints(piece, right?.[index] ?? '');
      if (order !== 0) return order;
    }
    return 0;
  };

  it('compare as the whole does, and fit', () => {
    fc.assert(
      fc.property(keyword, keyword, (a, b) => {
        assert.equal(Math.sign(compare(a, b)), Math.sign(compareCodePoints(a, b)));
        const { head, tail, isLong } = encodeKeyword(a);
        assert.ok(tail.length <= TAIL_PIECES && head !== '');
        assert.ok([head, ...tail].every((piece) => Buffer.byteLength(piece) <= 4000));
        assert.ok(isLong || tail.length === 0);
        // A head that another keyword may have too is marked as long.
        if (a !== b && head === encodeKeyword(b).head) assert.ok(isLong);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });

  it('hold the longest there is', () => {
    for (const value of ['x'.repeat(8000), '😀'.repeat(4000), '漢'.repeat(8000)]) {
      const { head, tail } = encodeKeyword(value);
      assert.ok(tail.length <= TAIL_PIECES);
      assert.equal([head, ...tail].map((piece) => piece.slice(1)).join(''), value);
    }
  });
});
