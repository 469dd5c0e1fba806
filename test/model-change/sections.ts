/** The project's own pages as a collection: a document a section, and questions that it answers. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openRuntime } from '../../src/runtime.js';
import type { Runtime } from '../../src/runtime-types.js';
import { loadConfig } from '../../src/config.js';
import type { Embedder } from '../../src/embedders/port.js';
import type { JsonObject, RawDocument } from '../../src/model.js';
import { packageRoot } from '../../src/package-root.js';
import type { Random } from '../support/random.js';
import { sourceOf } from '../support/source.js';

const LEAST_WORDS = 60;
const QUESTION_WORDS = 10;

/** Sections of the pages in `docs`, long enough that their beginning does not say it all. */
export async function readSections(): Promise<readonly RawDocument[]> {
  const folder = join(packageRoot, 'docs');
  const pages = (await readdir(folder)).filter((name) => name.endsWith('.md')).sort();
  const sections: RawDocument[] = [];
  for (const page of pages) {
    const text = await readFile(join(folder, page), 'utf8');
    for (const [at, content] of text.split(/^(?=#{1,4} )/mu).entries()) {
      if (wordsOf(content).length < LEAST_WORDS) continue;
      sections.push({ id: `${page}#${String(at)}`, format: 'markdown', content, metadata: {} });
    }
  }
  return sections;
}

/** A question to each of so many sections: words, in their order, of a run in its second half. */
export function drawQuestions(
  sections: readonly RawDocument[],
  count: number,
  random: Random,
): readonly JsonObject[] {
  return random
    .shuffle(sections)
    .slice(0, count)
    .map(({ id, content }) => {
      const words = wordsOf(content).slice(LEAST_WORDS / 2);
      const from = random.int(Math.max(1, words.length - QUESTION_WORDS * 2));
      const run = words.slice(from, from + QUESTION_WORDS * 2).filter(() => random.chance(0.5));
      return { id, query: run.join(' '), expected: [{ document: id }] };
    });
}

function wordsOf(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** The sections in a collection `pages` under the model `good`; `other` is the model to change to. */
export async function openPages(options: {
  readonly sections: readonly RawDocument[];
  readonly questions: readonly JsonObject[];
  readonly good: Embedder;
  readonly other: Embedder;
}): Promise<Runtime> {
  const { sections, questions, good, other } = options;
  const runtime = await openRuntime(loadConfig({ PLUMBLINE_STORE_URL: 'memory:' }), {
    openEmbedder: (name) => Promise.resolve(name === 'good' ? good : other),
  });
  await runtime.catalog.createCollection({ name: 'pages', embedder: 'good' });
  await runtime.ingest('pages', sourceOf(sections));
  await runtime.evalSets.put('pages', { name: 'questions', questions });
  return runtime;
}
