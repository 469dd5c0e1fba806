/**
 * The statements of the Oracle store against Oracle's grammar. The double cannot tell whether Oracle
 * takes a statement; a parser made for Oracle can. It needs a JDK and Maven: with
 * PLUMBLINE_TEST_ORACLE_GRAMMAR=1 their absence is a failure, otherwise the test is skipped.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { desugar } from './grammar/desugar.js';
import { openOracleParser } from './grammar/parser.js';
import { emittedStatements } from './grammar/statements.js';

const IS_REQUIRED = process.env['PLUMBLINE_TEST_ORACLE_GRAMMAR'] === '1';

/** For the parser: nothing about them is special to vectors. */
const BAD_FOR_PARSER = [
  'SELEC a FROM t',
  'SELECT a FROM t WHERE',
  'SELECT a FROM t LIMIT 5',
  'SELECT a::text FROM t',
  'SELECT a FROM t WHERE a ILIKE :b_1',
  'SELECT a FROM t WHERE a IN ()',
  'SELECT a FROM t ORDER BY a FETCH 5 ROWS ONLY',
  'INSERT INTO t (a) VALUES (:b_1',
  'INSERT INTO t (a) VALUES (:b_1) ON CONFLICT DO NOTHING',
  'UPDATE t SET a = :b_1 RETURNING a',
  'DELETE FROM t USING u WHERE t.a = u.a',
  'CREATE INDEX ON t (a)',
  'SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE)',
];

/** Past the parser, or unknown to it. */
const BAD_FOR_DESUGAR = [
  'SELECT a FROM t WHERE a = :level',
  "SELECT a FROM t WHERE a = ''",
  'CREATE TABLE t (a TEXT)',
  'CREATE TABLE t (a VARCHAR2(4001 CHAR))',
  'CREATE TABLE t (a VECTOR(384, FLOAT99))',
  'CREATE TABLE t (a VECTOR(0, FLOAT32))',
  'SELECT a FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, COSINE) FETCH FIRST :b_2 ROWS ONLY',
  'SELECT a FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, COSIN) FETCH EXACT FIRST :b_2 ROWS ONLY',
  'SELECT a FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, COSINE), a FETCH APPROX FIRST :b_2 ROWS ONLY WITH TARGET ACCURACY 95',
  'SELECT a FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, COSINE) FETCH APPROX FIRST :b_2 ROWS ONLY',
  'SELECT a FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, COSINE) FETCH APPROX FIRST :b_2 ROWS ONLY WITH TARGET ACCURACY 101',
  'SELECT a FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, COSINE) FETCH EXACT FIRST :b_2 ROWS ONLY WITH TARGET ACCURACY 95',
  'CREATE VECTOR INDEX i ON t (embedding) ORGANIZATION NEIGHBOR GRAPH DISTANCE COSINE WITH TARGET ACCURACY 95',
  'CREATE VECTOR INDEX i ON t (embedding) ORGANIZATION INMEMORY NEIGHBOR GRAPH DISTANCE COSINE WITH TARGET ACCURACY 95 PARAMETERS (TYPE HNSW, NEIGHBORS 1, EFCONSTRUCTION 500)',
  'MERGE INTO t USING u ON (t.a = u.a) WHEN MATCHED THEN UPDATE SET t.b = u.b',
  'TRUNCATE TABLE t',
];

describe("Oracle's grammar", () => {
  it('takes every statement that the store emits, and refuses those that are planted', async (context) => {
    const opening = openOracleParser().then(
      (parser) => ({ parser, error: null }),
      (error: unknown) => ({ parser: null, error }),
    );
    const emitted = await emittedStatements();
    const { parser, error } = await opening;
    if (parser === null) {
      if (IS_REQUIRED) throw error;
      context.skip('there is no JDK and Maven that could fetch the parser');
      return;
    }
    try {
      assert.ok(emitted.length > 150, `only ${String(emitted.length)} statements`);
      for (const needed of [
        'FETCH APPROX',
        'FETCH EXACT',
        'CREATE VECTOR INDEX',
        'FOR UPDATE',
        'DROP TABLE',
      ]) {
        assert.ok(
          emitted.some((sql) => sql.includes(needed)),
          `no statement with ${needed}`,
        );
      }
      const answers = await parser.accepts([...emitted.map(desugar), ...BAD_FOR_PARSER]);
      const refused = emitted.filter((_, index) => answers[index] === false);
      assert.deepEqual(refused, []);
      const taken = BAD_FOR_PARSER.filter((_, index) => answers[emitted.length + index] === true);
      assert.deepEqual(taken, []);
    } finally {
      await parser.close();
    }
  });

  it('is narrower than the parser where vectors and our own rules are concerned', () => {
    for (const sql of BAD_FOR_DESUGAR) assert.throws(() => desugar(sql), Error, sql);
    assert.equal(
      desugar(
        'SELECT 1 FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, DOT) FETCH APPROX FIRST :b_2 ROWS ONLY WITH TARGET ACCURACY PARAMETERS (EFSEARCH 40)',
      ),
      'SELECT 1 FROM t ORDER BY VECTOR_DISTANCE(t.embedding, :b_1, DOT) FETCH FIRST :b_2 ROWS ONLY',
    );
    assert.equal(
      desugar('CREATE TABLE t (a VECTOR(384, FLOAT32) NOT NULL)'),
      'CREATE TABLE t (a RAW(2000) NOT NULL)',
    );
  });
});
