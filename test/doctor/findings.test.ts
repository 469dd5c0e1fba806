/** From what was seen to what is said: one record for each thing that can be wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { modelFinding, pinFinding } from '../../src/doctor/embedders.js';
import { openSearchFindings } from '../../src/doctor/opensearch.js';
import { oracleFindings } from '../../src/doctor/oracle.js';
import { postgresFindings } from '../../src/doctor/postgres.js';
import { size } from '../../src/doctor/size.js';
import type { Finding } from '../../src/doctor/types.js';
import type { Collection } from '../../src/model.js';
import type {
  OpenSearchInspection,
  OracleInspection,
  PostgresInspection,
} from '../../src/stores/inspection.js';
import { vectorFeatures } from '../../src/stores/pgvector/versions.js';
import { PIN, specOf } from '../conformance/store/fixtures.js';

const GIGABYTE = 2 ** 30;

const POSTGRES: PostgresInspection = {
  kind: 'postgresql',
  version: '17.2',
  versionNumber: 170_002,
  extension: { installed: '0.8.2', available: '0.8.2', features: vectorFeatures('0.8.2') },
  schema: { applied: 2, known: 2 },
  settings: {
    maintenanceWorkMemBytes: GIGABYTE,
    sharedBuffersBytes: 4 * GIGABYTE,
    workMemBytes: 4 * 2 ** 20,
    maxConnections: 100,
    reservedConnections: 3,
    roleConnections: null,
  },
  indexes: [{ collection: 'handbook', kind: 'hnsw', chunks: 30_000, state: 'ready', bytes: GIGABYTE }],
};

const OPENSEARCH: OpenSearchInspection = {
  kind: 'opensearch',
  version: '3.6.0',
  distribution: 'opensearch',
  plugin: '3.6.0.0',
  engine: 'faiss',
  health: 'green',
  dataNodes: 3,
  shards: { used: 20, most: 3000 },
  heap: [{ usedPercent: 40, maxBytes: 4 * GIGABYTE }],
  disk: [{ usedPercent: 60 }, { usedPercent: 70 }],
  watermarks: { low: '85%', high: '90%', floodStage: '95%' },
  circuitBreaker: { enabled: true, limit: '50%', triggered: false },
  schema: { applied: 1, known: 1 },
  indexes: [{ collection: 'handbook', kind: 'hnsw', chunks: null, state: 'ready', bytes: null }],
};

const ORACLE: OracleInspection = {
  kind: 'oracle',
  version: '23.8.0.25.04',
  characterSet: 'AL32UTF8',
  vectorMemoryBytes: GIGABYTE,
  privileges: ['CREATE SESSION', 'CREATE TABLE', 'CREATE SEQUENCE', 'CREATE VIEW'],
  schema: { applied: 1, known: 1 },
};

const COLLECTION: Collection = {
  ...specOf({ name: 'handbook' }),
  createdAt: '2026-01-01T00:00:00.000Z',
  generation: { ...specOf({ name: 'handbook' }), id: 1, state: 'active' },
};

function pgvector(version: string): PostgresInspection {
  return {
    ...POSTGRES,
    extension: { installed: version, available: '0.8.2', features: vectorFeatures(version) },
  };
}

/** Those that are not ok: `level area: what | advice`. */
function wrong(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ level }) => level !== 'ok')
    .map(({ level, area, what, advice }) => `${level} ${area}: ${what} | ${advice ?? ''}`);
}

const postgres = (changes: Partial<PostgresInspection>): readonly Finding[] =>
  postgresFindings({ ...POSTGRES, ...changes }, 10);
const settings = (changes: Partial<PostgresInspection['settings']>): readonly Finding[] =>
  postgres({ settings: { ...POSTGRES.settings, ...changes } });
const openSearch = (changes: Partial<OpenSearchInspection>): readonly Finding[] =>
  openSearchFindings({ ...OPENSEARCH, ...changes });
const oracle = (changes: Partial<OracleInspection>): readonly Finding[] =>
  oracleFindings({ ...ORACLE, ...changes });

describe('what is well is ok, and needs no advice', () => {
  for (const [name, findings] of [
    ['PostgreSQL', postgres({})],
    ['OpenSearch', openSearch({})],
    ['Oracle', oracle({})],
  ] as const) {
    test(name, () => {
      assert.ok(findings.length > 4);
      assert.deepEqual(wrong(findings), []);
      assert.ok(findings.every(({ advice }) => advice === null));
    });
  }
});

describe('what is wrong is said, with what to do', () => {
  const cases: readonly (readonly [name: string, findings: readonly Finding[], said: readonly RegExp[]])[] = [
    [
      'an old PostgreSQL',
      postgres({ version: '13.1', versionNumber: 130_001 }),
      [/^problem server: .*13\.1.*14 or newer/u],
    ],
    [
      'no pgvector on the server',
      postgres({ extension: { installed: null, available: null, features: null } }),
      [/^problem pgvector: .*not have it .*Install/u],
    ],
    [
      'pgvector without HNSW',
      postgresFindings(pgvector('0.4.4'), 10),
      [/^problem pgvector: .*0\.5 or newer.*0\.8\.2/u],
    ],
    [
      'pgvector without iterative scans',
      postgresFindings(pgvector('0.7.4'), 10),
      [
        /^warning pgvector: .*no iterative scan.*alter extension vector update/u,
        /^warning pgvector: .*CVE-2026-3172/u,
      ],
    ],
    [
      'pgvector with unsafe parallel builds',
      postgresFindings(pgvector('0.8.1'), 10),
      [/^warning pgvector: .*CVE-2026-3172.*without parallel workers/u],
    ],
    [
      'an older schema',
      postgres({ schema: { applied: 1, known: 2 } }),
      [/^warning schema: .*brings it to 2/u],
    ],
    [
      'a newer schema',
      postgres({ schema: { applied: 3, known: 2 } }),
      [/^problem schema: .*newer Plumbline/u],
    ],
    [
      'little memory for maintenance',
      settings({ maintenanceWorkMemBytes: 2 ** 20 }),
      [/^warning memory: maintenance_work_mem is 1 MB.*64MB/u],
    ],
    [
      'indexes that do not fit into the buffers',
      settings({ sharedBuffersBytes: 512 * 2 ** 20 }),
      [/^warning memory: shared_buffers is 512 MB; vector indexes take 1 GB/u],
    ],
    [
      'room for one process only',
      settings({ roleConnections: 15 }),
      [/^warning connections: .*second process/u],
    ],
    [
      'a pool that is too large',
      settings({ maxConnections: 10 }),
      [/^problem connections: .*7.*PLUMBLINE_PG_POOL_SIZE/u],
    ],
    [
      'an index that is not valid',
      postgres({ indexes: [{ collection: 'a', kind: 'hnsw', chunks: 1, state: 'broken', bytes: 8192 }] }),
      [/^problem collection a: .*not valid/u],
    ],
    ['another product', openSearch({ distribution: 'elasticsearch' }), [/^problem server: elasticsearch/u]],
    ['OpenSearch 2', openSearch({ version: '2.19.1' }), [/^warning server: .*not tested/u]],
    ['OpenSearch 1', openSearch({ version: '1.3.0' }), [/^problem server/u]],
    ['no k-NN plugin', openSearch({ plugin: null }), [/^warning k-NN plugin: .*opensearch-knn/u]],
    ['replicas without a node', openSearch({ health: 'yellow' }), [/^warning cluster: yellow/u]],
    ['lost shards', openSearch({ health: 'red' }), [/^problem cluster: red/u]],
    ['a health that cannot be seen', openSearch({ health: null }), [/^warning cluster: unknown.*monitor/u]],
    [
      'few shards left',
      openSearch({ shards: { used: 2800, most: 3000 } }),
      [/^warning shards: 2800 of 3000/u],
    ],
    ['no shards left', openSearch({ shards: { used: 3000, most: 3000 } }), [/^problem shards/u]],
    [
      'a full heap',
      openSearch({ heap: [{ usedPercent: 91, maxBytes: 2 ** 30 }] }),
      [/^warning heap: .*91 %/u],
    ],
    ['a disk past the low mark', openSearch({ disk: [{ usedPercent: 86 }] }), [/^warning disk: .*86 %/u]],
    [
      'a disk past the flood stage',
      openSearch({ disk: [{ usedPercent: 96 }] }),
      [/^problem disk: .*read-only/u],
    ],
    [
      'a circuit breaker that has triggered',
      openSearch({ circuitBreaker: { enabled: true, limit: '50%', triggered: true } }),
      [/^problem memory: .*triggered/u],
    ],
    [
      'no circuit breaker',
      openSearch({ circuitBreaker: { enabled: false, limit: '50%', triggered: false } }),
      [/^warning memory: .*off/u],
    ],
    [
      'an index that is read-only',
      openSearch({
        indexes: [{ collection: 'a', kind: 'none', chunks: null, state: 'read_only', bytes: null }],
      }),
      [/^problem collection a: .*no writes/u],
    ],
    ['an old Oracle', oracle({ version: '19.3.0.0.0' }), [/^problem server: .*23ai/u]],
    [
      'another character set',
      oracle({ characterSet: 'WE8ISO8859P1' }),
      [/^problem character set: WE8ISO8859P1/u],
    ],
    ['no vector memory', oracle({ vectorMemoryBytes: 0 }), [/^warning memory: vector_memory_size is 0/u]],
    [
      'vector memory out of sight',
      oracle({ vectorMemoryBytes: null }),
      [/^warning memory: .*cannot be seen/u],
    ],
    [
      'a right that is missing',
      oracle({ privileges: ['CREATE SESSION'] }),
      [/^problem permissions: Lacks CREATE TABLE, CREATE SEQUENCE.*GRANT/u],
    ],
    [
      'files that are not there',
      [modelFinding({ name: 'm', pin: PIN, files: 'missing' })],
      [/^warning model m: .*PLUMBLINE_MODEL_DIR/u],
    ],
    [
      'files that are others',
      [modelFinding({ name: 'm', pin: PIN, files: 'corrupt' })],
      [/^problem model m/u],
    ],
    [
      'another model',
      [pinFinding(COLLECTION, { name: 'test', pin: { ...PIN, revision: '2' }, files: 'present' })],
      [/^problem collection handbook: .*differs in revision/u],
    ],
    [
      'an embedder that is not known',
      [pinFinding(COLLECTION, { name: 'test', pin: null, files: 'missing' })],
      [/^problem collection handbook: .*"test" is not known/u],
    ],
  ];
  for (const [name, findings, said] of cases) {
    test(name, () => {
      const lines = wrong(findings);
      assert.equal(lines.length, said.length, lines.join('\n'));
      for (const [at, pattern] of said.entries()) assert.match(lines[at] ?? '', pattern);
      // One sentence each.
      for (const { level, advice } of findings) if (level !== 'ok') assert.match(advice ?? '', /\.$/u);
    });
  }
});

test('Lucene’s graphs take no native memory, so its breaker says nothing', () => {
  const triggered = { enabled: true, limit: '50%', triggered: true };
  assert.deepEqual(wrong(openSearch({ engine: 'lucene', circuitBreaker: triggered })), []);
});

test('the same pin is at hand', () => {
  assert.equal(pinFinding(COLLECTION, { name: 'test', pin: PIN, files: 'present' }).level, 'ok');
});

test('sizes are short', () => {
  assert.deepEqual([0, 1023, 1024, 1.5 * 2 ** 20, 2 ** 50].map(size), [
    '0 bytes',
    '1023 bytes',
    '1 kB',
    '1.5 MB',
    '1024 TB',
  ]);
});
