/**
 * The Oracle statements that the store emits, as PostgreSQL with pgvector understands them. What
 * is not known here stays as it is, and fails there.
 */

export interface Translation {
  /** With Oracle's named binds still in it. */
  readonly text: string;
  /** Breadth of the index's search where the statement names one. */
  readonly efSearch: number | null;
}

const OPERATORS: Readonly<Record<string, string>> = { COSINE: '<=>', DOT: '<#>', EUCLIDEAN: '<->' };

const FETCH =
  /FETCH (?:(?:APPROX|EXACT) )?FIRST (:\w+) ROWS ONLY(?:\s+WITH TARGET ACCURACY (?:\d+|PARAMETERS \(EFSEARCH (\d+)\)))?/gu;

export function translateQuery(sql: string): Translation {
  // An exact fetch leaves the index aside, which PostgreSQL does for any other expression.
  const isExact = sql.includes('FETCH EXACT');
  const efSearch = /EFSEARCH (\d+)/u.exec(sql)?.[1];
  const text = sql
    .replace(
      /VECTOR_DISTANCE\((\w+\.\w+), (:\w+), (\w+)\)/gu,
      (_, column: string, vector: string, metric: string) => {
        const distance = `(${column} ${OPERATORS[metric] ?? metric} ${vector})`;
        return isExact ? `(${distance} + 0)` : distance;
      },
    )
    .replace(FETCH, 'LIMIT $1')
    .replace(/(\w+)\.NEXTVAL/gu, "nextval('$1')")
    .replace(/ FROM DUAL/gu, '')
    .replace(/\bNVL\(/gu, 'coalesce(')
    .replace(/\bSYSTIMESTAMP\b/gu, 'now()');
  return { text, efSearch: efSearch === undefined ? null : Number(efSearch) };
}

/** A definition; several statements where PostgreSQL needs them. */
export function translateDefinition(sql: string): string {
  const vectorIndex = translateVectorIndex(sql);
  if (vectorIndex !== null) return vectorIndex;
  return sql
    .replace(/VARCHAR2\((\d+) CHAR\)/gu, 'varchar($1) collate "C"')
    .replace(/NUMBER\(\d+\)/gu, 'bigint')
    .replace(/\bBINARY_DOUBLE\b/gu, 'float8')
    .replace(/\bCLOB\b/gu, 'text')
    .replace(/VECTOR\((\d+), FLOAT32\)/gu, 'vector($1)')
    .replace(/\bSYSTIMESTAMP\b/gu, 'clock_timestamp()')
    .replace(/ ORGANIZATION INDEX$/u, '')
    .replace(/ PURGE$/u, '')
    .replace(/ NOCACHE$/u, '')
    .replace(/^(ALTER TABLE \w+) ADD \((.*)\)$/su, '$1 ADD COLUMN $2')
    .replace(/\((CASE .* END)\)/su, '(($1))');
}

const VECTOR_INDEX =
  /^CREATE VECTOR INDEX (\w+) ON (\w+) \(embedding\) ORGANIZATION (INMEMORY NEIGHBOR GRAPH|NEIGHBOR PARTITIONS) DISTANCE (\w+) WITH TARGET ACCURACY \d+(?: PARAMETERS \((?:TYPE HNSW, NEIGHBORS (\d+), EFCONSTRUCTION (\d+)|TYPE IVF, NEIGHBOR PARTITIONS (\d+))\))?$/u;
const OPERATOR_CLASSES: Readonly<Record<string, string>> = {
  COSINE: 'vector_cosine_ops',
  DOT: 'vector_ip_ops',
  EUCLIDEAN: 'vector_l2_ops',
};

function translateVectorIndex(sql: string): string | null {
  const found = VECTOR_INDEX.exec(sql);
  if (found === null) return null;
  const [, name, table, organization, metric, m, efConstruction, lists] = found;
  const column = `embedding ${OPERATOR_CLASSES[metric ?? ''] ?? ''}`;
  const using =
    organization === 'NEIGHBOR PARTITIONS'
      ? `ivfflat (${column}) with (lists = ${lists ?? '40'})`
      : `hnsw (${column}) with (m = ${m ?? '16'}, ef_construction = ${efConstruction ?? '64'})`;
  return `create index ${name ?? ''} on ${table ?? ''} using ${using}`;
}
