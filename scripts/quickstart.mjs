/**
 * `npm run quickstart`: Plumbline's own documentation, ingested into the embedded store and asked
 * three questions. Run again, it embeds nothing: only what changed would be.
 */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ready, root } from './ready.mjs';

const COLLECTION = 'quickstart';
const EMBEDDER = 'minilm-l6';
const QUESTIONS = [
  'What does a filter do with documents that lack the field?',
  'Why was my query refused because of another embedding model?',
  'How does a chunk keep the headings of its section?',
];
const HITS = 3;
const EXCERPT = 200;

const bold = (text) => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[22m` : text);
const dim = (text) => (process.stdout.isTTY ? `\x1b[2m${text}\x1b[22m` : text);
const print = (text = '') => process.stdout.write(`${text}\n`);
const note = (text) => process.stderr.write(`${text}\n`);

const load = (path) => import(pathToFileURL(join(root, 'dist', 'src', path)).href);

async function quickstart() {
  const [{ loadConfig }, { openRuntime }, { openFilesSource }, { queryRequestSchema }] = await Promise.all([
    load('config.js'),
    load('runtime.js'),
    load('ingest/sources/files.js'),
    load('retrieval/schema.js'),
  ]);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const { signal } = controller;
  // Each call that may be cancelled listens while it runs, and there are many at once.
  setMaxListeners(0, signal);

  const config = loadConfig();
  const where = config.store.kind === 'pglite' ? `the folder ${config.store.folder}` : config.store.kind;
  note(`Opening the store (${where}) …`);
  const runtime = await openRuntime(config, { onNotice: note });
  try {
    await ensureCollection(runtime, signal);
    print(bold('1. Ingest docs/'));
    print(dim(`   plumbline ingest docs --collection ${COLLECTION} --embedder ${EMBEDDER}`));
    const source = await openFilesSource(['docs'], { cwd: root, signal });
    showIngest(await runtime.ingest(COLLECTION, source, { prune: true, signal }));

    print(`\n${bold('2. Ask')}`);
    for (const question of QUESTIONS) {
      const request = queryRequestSchema.parse({ query: question, top_k: HITS });
      showAnswer(question, await runtime.retrieve(COLLECTION, request, { signal }));
    }
    showNext(config.server);
  } finally {
    await runtime.close();
  }
}

async function ensureCollection(runtime, signal) {
  const collections = await runtime.catalog.listCollections({ signal });
  if (collections.some(({ name }) => name === COLLECTION)) return;
  await runtime.catalog.createCollection({ name: COLLECTION, embedder: EMBEDDER }, { signal });
}

function showIngest({ added, changed, unchanged, removed, failed, embedded, elapsedMs }) {
  print(`Documents: ${added} added, ${changed} changed, ${unchanged} unchanged, ${removed} removed`);
  print(`Embedded ${embedded} passages in ${(elapsedMs / 1000).toFixed(1)} s`);
  for (const { name, reason } of failed) print(`Failed: ${name}: ${reason}`);
  if (failed.length > 0) process.exitCode = 1;
}

function showAnswer(question, { hits, took_ms: took }) {
  print(`\n${bold(question)}  ${dim(`${took.total.toFixed(0)} ms`)}`);
  for (const [index, hit] of hits.entries()) {
    print(`  ${index + 1}. ${bold(hit.heading_path.join(' › '))}`);
    print(`     score ${hit.score.toFixed(3)}   ${hit.source ?? hit.document_id}`);
    print(dim(`     ${excerpt(hit.text)}`));
  }
}

function excerpt(text) {
  const line = text.replace(/\s+/gu, ' ').trim();
  return line.length <= EXCERPT ? line : `${line.slice(0, line.lastIndexOf(' ', EXCERPT))} …`;
}

function showNext({ host, port }) {
  const url = `http://${host}:${port}`;
  print(`\n${bold('3. Go on')}`);
  print('Ask something of your own:');
  print(`  node bin/plumbline.js query ${COLLECTION} "which measures does eval report?" --explain`);
  print('Or start the server, and ask it from another terminal:');
  print('  node bin/plumbline.js serve');
  print(`  curl -s ${url}/v1/collections/${COLLECTION}/query \\`);
  print(`    -H 'content-type: application/json' -d '{"query": "is a backup needed?", "top_k": 3}'`);
  print(`Its API is described at ${url}/docs. Use your own documents: see README.md.`);
}

function explain(error) {
  note(`\nThe quickstart could not finish: ${error instanceof Error ? error.message : String(error)}`);
  if (error?.code === 'data_folder_in_use') {
    note('Stop the other process (a running `plumbline serve`?), or give this run a folder of its own:');
    note('  PLUMBLINE_STORE_URL=pglite:.plumbline/quickstart npm run quickstart');
  }
  process.exitCode = 1;
}

ready();
await quickstart().catch(explain);
