/**
 * What `npm run demo:bedrock` shows: Bedrock's parts of Plumbline against the loopback server, so
 * that no account is needed. The model is a stand-in that quotes the sentences nearest the question.
 */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime';
import { answerRequestSchema } from '../../src/answer/schema.js';
import { loadConfig } from '../../src/config.js';
import { openFilesSource } from '../../src/ingest/sources/files.js';
import { packageRoot } from '../../src/package-root.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { converseHandler } from './converse.js';
import type { Said } from './converse.js';
import { useTestCredentials } from './embed-support.js';
import { rerankHandler } from './rerank.js';
import { knowledgeBaseHandler } from './retrieve.js';
import type { KbChunk } from './retrieve.js';
import { startFakeBedrock } from './server.js';
import { overlap } from './validation.js';

const QUESTION = 'What does a filter do with documents that lack the field?';
const KB_QUESTION = 'How is the score of recency made?';
const MODEL = 'amazon.nova-lite-v1:0';
const RERANKER = 'amazon.rerank-v1:0';
const KB = { name: 'docs-kb', id: 'KBDEMO0001', search_type: 'HYBRID', fields: { page: 'keyword' } } as const;

/** @param print takes one line */
export async function runDemo(print: (line: string) => void): Promise<void> {
  useTestCredentials();
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-demo-'));
  const fake = await startFakeBedrock({
    handlers: [
      converseHandler({ say: quoteSources }),
      rerankHandler(),
      knowledgeBaseHandler({ id: KB.id, chunks: await docsChunks() }),
    ],
  });
  try {
    const file = join(folder, 'knowledge-bases.json');
    await writeFile(file, JSON.stringify({ knowledge_bases: [KB] }));
    const config = loadConfig({
      PLUMBLINE_STORE_URL: 'memory:',
      PLUMBLINE_BEDROCK_REGION: 'us-east-1',
      PLUMBLINE_BEDROCK_ENDPOINT: fake.url,
      PLUMBLINE_ANSWER_MODEL: MODEL,
      PLUMBLINE_KNOWLEDGE_BASES_FILE: file,
    });
    print(`A stand-in for Amazon Bedrock answers at ${fake.url}; nothing leaves this machine.`);
    const embedder = createFakeEmbedder({ maxTokens: 1000 });
    const runtime = await openRuntime(config, {
      openEmbedder: () => Promise.resolve(embedder),
      embedders: [embedder.name],
    });
    try {
      await showIngest(runtime, print);
      await showAnswer(runtime, print);
      await showKnowledgeBase(runtime, print);
    } finally {
      await runtime.close();
    }
    print('');
    print(
      `Calls that the stand-in took: ${fake.requests.map(({ path }) => decodeURIComponent(path)).join(', ')}`,
    );
  } finally {
    await fake.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function showIngest(runtime: Runtime, print: (line: string) => void): Promise<void> {
  await runtime.catalog.createCollection({ name: 'docs', embedder: 'fake' });
  const source = await openFilesSource([join('docs', '*.md')], { cwd: packageRoot });
  const { added, chunks } = await runtime.ingest('docs', source);
  print('');
  print(`1. Collection "docs": ${String(added)} documents of docs/, ${String(chunks)} passages`);
}

async function showAnswer(runtime: Runtime, print: (line: string) => void): Promise<void> {
  print('');
  print(`2. Answer, reranked by ${RERANKER}, written by ${MODEL}`);
  print(`   Question: ${QUESTION}`);
  const request = answerRequestSchema.parse({ query: QUESTION, rerank: { model: RERANKER } });
  let text = '';
  for await (const event of runtime.answer('docs', request, 'streamed')) {
    if (event.event === 'sources')
      print(`   ${String(event.data.sources.length)} sources are given to the model`);
    if (event.event === 'text') text += event.data.text;
    if (event.event === 'citations') {
      print(`   Answer: ${text}`);
      for (const { source, document_id: id, heading_path: path, quote } of event.data.citations) {
        print(`   [S${String(source)}] ${id} · ${path.join(' › ')}`);
        print(`        “${quote.replaceAll(/\s+/gu, ' ')}”`);
      }
    }
    if (event.event === 'done') print(`   Tokens: ${JSON.stringify(event.data.usage)}`);
  }
}

async function showKnowledgeBase(runtime: Runtime, print: (line: string) => void): Promise<void> {
  print('');
  print(`3. Query of the knowledge base "${KB.name}" (${KB.id}), filtered to one page`);
  print(`   Question: ${KB_QUESTION}`);
  const request = queryRequestSchema.parse({ query: KB_QUESTION, top_k: 3, filter: { page: 'ranking' } });
  const { hits } = await runtime.retrieve(KB.name, request);
  for (const { score, source, text } of hits) {
    print(`   ${score.toFixed(2)}  ${source ?? ''}  ${text.replaceAll(/\s+/gu, ' ').slice(0, 90)} …`);
  }
}

/** The pages of docs/ as a knowledge base might have cut them: a passage for each section. */
async function docsChunks(): Promise<readonly KbChunk[]> {
  const folder = join(packageRoot, 'docs');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md'));
  const chunks: KbChunk[] = [];
  for (const name of names) {
    const sections = (await readFile(join(folder, name), 'utf8')).split(/^(?=#{1,3} )/mu);
    for (const [index, text] of sections.entries()) {
      if (text.trim() === '') continue;
      const page = name.replace(/\.md$/u, '');
      chunks.push({
        id: `${page}-${String(index)}`,
        uri: `s3://plumbline-docs/${name}`,
        text: text.trim(),
        metadata: { page },
      });
    }
  }
  return chunks;
}

/** The two sentences nearest the question, each with the mark of its source. */
function quoteSources({ messages = [] }: ConverseCommandInput): Said {
  const prompt = messages[0]?.content?.[0]?.text ?? '';
  const question = /\[\[question \w+\]\]\n([\s\S]*?)\n\[\[end/u.exec(prompt)?.[1] ?? '';
  const sentences = [...prompt.matchAll(/\[\[source (\d+) \w+\]\]\n([\s\S]*?)\n\[\[end of source/gu)].flatMap(
    ([, number = '', block = '']) =>
      (
        block
          .split('\n\n')
          .slice(1)
          .join(' ')
          .match(/[A-Z][^.|#]{20,}\./gu) ?? []
      ).map((sentence) => ({
        number,
        text: sentence.replaceAll(/\s+/gu, ' '),
        score: overlap(question, sentence),
      })),
  );
  const best = sentences.sort((a, b) => b.score - a.score).slice(0, 2);
  return { text: best.map(({ number, text }) => `${text.slice(0, -1)} [S${number}].`).join(' ') };
}
