/**
 * The three things of Oracle 23ai that the parser does not know yet: vector columns, vector indexes,
 * and the fetch that says whether it is exact. They are checked here against a grammar that is
 * narrower than Oracle's, and replaced by what the parser knows. So are the store's own rules.
 */

/** @throws Error naming the rule that the statement breaks */
export function desugar(sql: string): string {
  checkRules(sql);
  if (/^CREATE\s+VECTOR\b/iu.test(sql)) return vectorIndex(sql);
  const rest = fetches(columns(sql));
  const left = /\b(?:APPROX|APPROXIMATE|EXACT|ACCURACY|EFSEARCH|FLOAT32|VECTOR)\b/iu.exec(rest);
  if (left !== null) throw new Error(`${left[0]} stands where it may not`);
  return rest;
}

const DISTANCE = /VECTOR_DISTANCE\(t\.embedding, :b_\d+, (?:COSINE|DOT|EUCLIDEAN)\)/gu;

function checkRules(sql: string): void {
  for (const [bind] of sql.matchAll(/:\w+/gu)) {
    if (!/^:b_\d+$/u.test(bind)) throw new Error(`the bind ${bind} may be a reserved word`);
  }
  if (sql.includes("''")) throw new Error("'' is NULL");
  if (/\bMERGE\b|\bTRUNCATE\b|VECTOR_INDEX_TRANSFORM/iu.test(sql)) throw new Error('not to be used');
  if (sql.replace(DISTANCE, '').includes('VECTOR_DISTANCE')) throw new Error('a distance of another form');
  for (const [name] of sql.matchAll(/\w+/gu)) {
    if (Buffer.byteLength(name) > 128) throw new Error('a name is longer than 128 bytes');
  }
  const ordered = sql.includes('ORDER BY VECTOR_DISTANCE');
  if (ordered && !/FETCH (?:APPROX|EXACT) FIRST/u.test(sql)) throw new Error('neither APPROX nor EXACT');
  // Anything beside the bare distance keeps the index from serving.
  if (sql.includes('FETCH APPROX') && !/ORDER BY VECTOR_DISTANCE\([^()]*\)\s+FETCH APPROX/u.test(sql)) {
    throw new Error('an approximate fetch is ordered by the distance alone');
  }
}

const FETCH =
  /\bFETCH (?:EXACT FIRST (:b_\d+) ROWS ONLY(?!\s+WITH)|APPROX FIRST (:b_\d+) ROWS ONLY WITH TARGET ACCURACY (?:([1-9]\d?|100)|PARAMETERS \(EFSEARCH [1-9]\d{0,4}\))(?![\w(]))/gu;

function fetches(sql: string): string {
  return sql.replace(
    FETCH,
    (_, exact?: string, approx?: string) => `FETCH FIRST ${exact ?? approx ?? ''} ROWS ONLY`,
  );
}

const COLUMN_TYPE =
  /^(?:VARCHAR2\((?:[1-9]\d{0,2}|1\d{3}) CHAR\)|NUMBER\(\d{1,2}\)|BINARY_DOUBLE|CLOB|TIMESTAMP WITH TIME ZONE|VECTOR\([1-9]\d{0,4}, FLOAT32\))(?: DEFAULT (?:\d+|SYSTIMESTAMP))?(?: NOT NULL)?$/u;

/** The parser takes any name for a type; Oracle does not. */
function columns(sql: string): string {
  const added = /^ALTER TABLE \w+ ADD \((.*)\)$/su.exec(sql);
  const table = /^CREATE TABLE \w+ \((.*)\)(?: ORGANIZATION INDEX)?$/su.exec(sql);
  const body = added?.[1] ?? table?.[1];
  if (body === undefined) return sql;
  for (const definition of splitDefinitions(body)) {
    const [, name, type] = /^(\w+) (.*)$/su.exec(definition) ?? [];
    if (name === 'CONSTRAINT') continue;
    if (type === undefined || !COLUMN_TYPE.test(type)) throw new Error(`no column: ${definition}`);
  }
  return sql.replace(/\bVECTOR\(\d+, FLOAT32\)/gu, 'RAW(2000)');
}

/** At the commas outside parentheses. */
function splitDefinitions(body: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: sign, index } of body.matchAll(/[(),]/gu)) {
    if (sign === '(') depth += 1;
    else if (sign === ')') depth -= 1;
    else if (depth === 0) {
      parts.push(body.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, body.slice(start)].map((part) => part.trim().replace(/\s+/gu, ' '));
}

/** NEIGHBORS and EFCONSTRUCTION have the limits of Oracle's documentation. */
const VECTOR_INDEX =
  /^CREATE VECTOR INDEX (\w+) ON (\w+) \((\w+)\) ORGANIZATION (?:INMEMORY NEIGHBOR GRAPH DISTANCE (?:COSINE|DOT|EUCLIDEAN) WITH TARGET ACCURACY (?:[1-9]\d?|100)(?: PARAMETERS \(TYPE HNSW, NEIGHBORS (\d+), EFCONSTRUCTION (\d+)\))?|NEIGHBOR PARTITIONS DISTANCE (?:COSINE|DOT|EUCLIDEAN) WITH TARGET ACCURACY (?:[1-9]\d?|100)(?: PARAMETERS \(TYPE IVF, NEIGHBOR PARTITIONS (\d+)\))?)$/u;

function vectorIndex(sql: string): string {
  const found = VECTOR_INDEX.exec(sql);
  if (found === null) throw new Error('no vector index');
  const [, name = '', table = '', column = '', neighbors = '2', construction = '1', partitions = '1'] = found;
  within('NEIGHBORS', Number(neighbors), 2, 2048);
  within('EFCONSTRUCTION', Number(construction), 1, 65_535);
  within('NEIGHBOR PARTITIONS', Number(partitions), 1, 10_000_000);
  return `CREATE INDEX ${name} ON ${table} (${column})`;
}

function within(name: string, value: number, least: number, most: number): void {
  if (value < least || value > most) throw new Error(`${name} is ${String(value)}`);
}
