/**
 * Writes docs/backends.md from the records in docs/backends: `node scripts/backends.mjs`. With
 * `--check` nothing is written, and a page that is not in step is a failure.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const page = join(docs, 'backends.md');

const NAMES = {
  pglite: 'PGlite (embedded)',
  postgresql: 'PostgreSQL',
  opensearch: 'OpenSearch',
  oracle: 'Oracle Database',
};

function readRecords() {
  return readdirSync(join(docs, 'backends'))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(docs, 'backends', name), 'utf8')));
}

const count = (value) => value.toLocaleString('en-US');
const megabytes = (bytes) => `${Math.round(bytes / 1_048_576)} MB`;
const nameOf = ({ server }) => NAMES[server.kind] ?? server.kind;

function versionOf({ server }) {
  if (server.extension) return `${server.version}, pgvector ${server.extension.installed}`;
  if (server.plugin) return `${server.version}, k-NN ${server.plugin}, engine ${server.engine}`;
  return server.version ?? '';
}

function table(rows) {
  const [head, ...body] = rows;
  return [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function summary(records) {
  return table([
    [
      'backend',
      'server',
      'date',
      'Plumbline',
      'passed',
      'failed',
      'not supported',
      'random filters',
      'collections at once',
      'longest document',
    ],
    ...records.map((record) => [
      nameOf(record),
      versionOf(record),
      record.date.slice(0, 10),
      record.plumbline,
      count(record.summary.passed),
      count(record.summary.failed),
      count(record.summary.not_supported),
      count(record.sizes.filters),
      count(record.sizes.collections),
      megabytes(record.sizes.document_bytes),
    ]),
  ]);
}

function groups({ checks }) {
  const names = [...new Set(checks.map(({ group }) => group))];
  return table([
    ['checks', 'passed', 'failed', 'not supported', 'seconds'],
    ...names.map((name) => {
      const own = checks.filter(({ group }) => group === name);
      const of = (wanted) => String(own.filter(({ result }) => result === wanted).length);
      const seconds = own.reduce((sum, { duration_ms: spent }) => sum + spent, 0) / 1000;
      return [name, of('passed'), of('failed'), of('not_supported'), seconds.toFixed(1)];
    }),
  ]);
}

function section(record) {
  const reasons = new Set(
    record.checks.filter(({ result }) => result === 'not_supported').map(({ message }) => message),
  );
  return [
    `## ${nameOf(record)}`,
    `${versionOf(record)}, on ${record.date.slice(0, 10)}. [The record](backends/${record.server.kind}.json) has every check, and the server's settings.`,
    groups(record),
    reasons.size === 0 ? '' : `Not supported: ${[...reasons].join('; ')}.`,
    record.plans === null
      ? ''
      : `How the server answers the vector leg, through its index:\n\n\`\`\`\n${record.plans.vector.join('\n')}\n\`\`\`\n\nand the keyword leg:\n\n\`\`\`\n${record.plans.keyword.join('\n')}\n\`\`\``,
  ].join('\n\n');
}

function render(records) {
  const kinds = new Set(records.map(({ server }) => server.kind));
  const missing = Object.keys(NAMES).filter((kind) => !kinds.has(kind));
  const never = missing.map((kind) =>
    kind === 'oracle'
      ? `**${NAMES[kind]} has not yet run on a real server.** Its store passes the same checks on a stand-in for the server, in the tests; what that shows and what it does not is in [Stores](stores.md#oracle-database). There is no record until somebody runs the command below on a server.`
      : `**${NAMES[kind]} has no record yet.**`,
  );
  return [
    '# Backends',
    'What was checked on which server, and when. A record is one run of the whole contract of a store, made by `plumbline conformance`.',
    ...never,
    summary(records),
    'Durations say what the checks cost on the machine of the record, with other work on it; they compare nothing.',
    '## Check your own server',
    [
      '```sh',
      "plumbline doctor --store 'postgresql://…'",
      "plumbline conformance --store 'postgresql://…' --json record.json",
      '```',
    ].join('\n'),
    'The first looks and changes nothing: versions, rights, memory, the schema, indexes, models. The second runs the contract. It makes collections whose names begin with `conformance-` and a random word, and removes them in the end, also when a check fails and on Ctrl-C; only the catalog itself stays, as after any start. `--filters`, `--collections` and `--document-mb` set how much is made: OpenSearch needs a shard for each collection, of which a node takes 1,000.',
    'The page is written by `node scripts/backends.mjs` from `docs/backends/*.json`; a new record replaces the one of its backend.',
    ...records.map(section),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const wanted = await format(render(readRecords()), {
  ...(await resolveConfig(page)),
  parser: 'markdown',
});
if (!process.argv.includes('--check')) writeFileSync(page, wanted);
else if (readFileSync(page, 'utf8') !== wanted) {
  process.stderr.write(
    'docs/backends.md is not made from docs/backends/*.json; run node scripts/backends.mjs\n',
  );
  process.exitCode = 1;
}
