/**
 * Measures a query through HTTP against embedding the question and running the same SQL by hand.
 *
 *     node dist/bench/http/run.js BEIR_FOLDER --store postgresql://… [--queries N] [--out FOLDER]
 *
 * The server is a process of its own, as users run it. The peer embeds with the same model and
 * sends the very statements the service sends, over bare connections. The two take turns of ten
 * queries, after three rounds that are not timed.
 */
import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { loadDataSet } from '../../eval/dataset.js';
import { loadConfig } from '../../src/config.js';
import { openEmbedder } from '../../src/embedders/registry.js';
import { packageRoot } from '../../src/package-root.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { quantile } from '../support/stats.js';
import { createRecorder, replay } from './recorder.js';
import type { Recording } from './recorder.js';

const COLLECTION = 'bench-http';
/** Queries of one side in a row: with single ones, each side would begin with the other's caches. */
const TURN = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: 'string' },
    queries: { type: 'string', default: '300' },
    split: { type: 'string', default: 'test' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
const [folder] = positionals;
if (folder === undefined || values.store === undefined) {
  throw new Error('Name a data set folder in BEIR form, and --store postgresql://…');
}
const environment = { ...process.env, PLUMBLINE_STORE_URL: values.store };
const config = loadConfig(environment);
const recorder = createRecorder();
const runtime = await openRuntime(config);
const { corpus, queries } = await loadDataSet(folder, { split: values.split, corpus: true });
if (corpus === null) throw new Error('The data set has no corpus');
const exists = (await runtime.catalog.listCollections()).some(({ name }) => name === COLLECTION);
if (!exists) await runtime.catalog.createCollection({ name: COLLECTION, embedder: 'minilm-l6' });
await runtime.ingest(COLLECTION, corpus.source(), { prune: true });

const questions = [...queries.values()].slice(0, Number(values.queries));
const recordings: Recording[] = [];
for (const query of questions) {
  recordings.push(
    await recorder.record(() => runtime.retrieve(COLLECTION, queryRequestSchema.parse({ query }))),
  );
}
recorder.stop();
await runtime.close();

const embedder = await openEmbedder('minilm-l6', config.models);
const clients = await Promise.all(
  Array.from({ length: 3 }, async () => {
    const client = new pg.Client({ connectionString: values.store });
    await client.connect();
    return client;
  }),
);
const server = await startServer();
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

// Both sides answer everything before the clock runs: compilers and caches are warm then.
const times: { readonly http: number[]; readonly raw: number[] } = { http: [], raw: [] };
for (const isTimed of [false, false, false, true]) {
  for (let from = 0; from < questions.length; from += TURN) {
    const turns = [
      async (query: string): Promise<void> => {
        const took = await timed(() => ask(query));
        if (isTimed) times.http.push(took);
      },
      async (query: string, recording: Recording): Promise<void> => {
        const took = await timed(async () => {
          await embedder.embed([query], { inputType: 'query' });
          await replay(clients, recording);
        });
        if (isTimed) times.raw.push(took);
      },
    ];
    if ((from / TURN) % 2 === 1) turns.reverse();
    for (const turn of turns) {
      for (const [index, query] of questions.slice(from, from + TURN).entries()) {
        await turn(query, recordings[from + index] ?? []);
      }
    }
  }
}
const { http, raw } = times;
const results = {
  ...circumstances(),
  queries: http.length,
  statements_per_query: (recordings[0] ?? []).flat(2).length,
  http_ms: { p50: quantile(http, 0.5), p95: quantile(http, 0.95) },
  raw_ms: { p50: quantile(raw, 0.5), p95: quantile(raw, 0.95) },
  ratio_p50: quantile(http, 0.5) / quantile(raw, 0.5),
  target: 1.15,
};
await writeResults(
  values.out,
  'http',
  results,
  `# A query through HTTP

\`node dist/bench/http/run.js FOLDER --store postgresql://…\`, ${results.date}, ${results.machine}, Node ${results.node}.

${String(results.queries)} hybrid queries, ten hits each, one after another over one kept-alive connection. The peer
embeds the question with the same model in its own process and runs the same ${String(results.statements_per_query)} SQL statements
over bare connections, each after those whose answers it needs. The two take turns of ten queries,
after three rounds that are not timed.

| | p50 ms | p95 ms |
| --- | --- | --- |
| HTTP | ${results.http_ms.p50.toFixed(2)} | ${results.http_ms.p95.toFixed(2)} |
| embedding + raw SQL | ${results.raw_ms.p50.toFixed(2)} | ${results.raw_ms.p95.toFixed(2)} |

Ratio of the medians **${results.ratio_p50.toFixed(3)}**; wanted: at most 1.15.
`,
);
console.log(JSON.stringify(results, null, 2));
agent.destroy();
server.stop();
await embedder.close();
await Promise.all(clients.map((client) => client.end()));
if (!(results.ratio_p50 <= results.target)) process.exitCode = 1;

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function ask(query: string): Promise<void> {
  const body = JSON.stringify({ query });
  return new Promise((resolve, reject) => {
    const call = request(
      `${server.url}/v1/collections/${COLLECTION}/query`,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (data: string) => {
          text += data;
        });
        response.on('end', () => {
          if (response.statusCode !== 200) reject(new Error(`HTTP ${String(response.statusCode)}: ${text}`));
          else {
            JSON.parse(text);
            resolve();
          }
        });
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

/** Starts `plumbline serve` on a free port and waits until it says where it listens. */
async function startServer(): Promise<{ readonly url: string; stop(): void }> {
  const child = spawn(process.execPath, [join(packageRoot, 'bin', 'plumbline.js'), 'serve', '--port', '0'], {
    env: { ...environment, PLUMBLINE_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (data: Buffer): void => {
      output += data.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+/u.exec(output)?.[0];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', () => {
      reject(new Error(`The server did not start: ${output}`));
    });
  });
  return { url, stop: () => void child.kill('SIGTERM') };
}
