/** Generations that are spoilt on purpose: the gate lets none of them pass, and stops no equal one. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { runGate } from '../../eval/gate/gate.js';
import { loadConfig } from '../../src/config.js';
import type { EmbedOptions, Embedder } from '../../src/embedders/port.js';
import { openEmbedder } from '../../src/embedders/registry.js';
import type { RawDocument } from '../../src/model.js';
import { policySchema } from '../../src/generations/gate.js';
import { createFakeEmbedder } from '../support/fake-embedder.js';
import { createRandom } from '../support/random.js';
import type { Random } from '../support/random.js';
import { drawQuestions, openPages, readSections } from './sections.js';

const SEEDS = [1, 2, 3, 4, 5];
const QUESTIONS = 60;
/** Where the keyword leg makes up for most of what the vectors lose, fewer would prove nothing. */
const MANY_QUESTIONS = 150;
const AUTHOR = { by: 'tester' };
/** As users run it, but for the latency: another's work on this machine is no fault of a model. */
const POLICY = policySchema.parse({ max_latency_ratio: null });

type Embed = Embedder['embed'];

describe('the gate on the local model', () => {
  let sections: readonly RawDocument[];
  let model: Embedder;
  let good: Embedder;
  let memory: Remembering;
  before(async () => {
    sections = await readSections();
    model = await openEmbedder('minilm-l6', loadConfig().models);
    memory = remember((texts, options) => model.embed(texts, options));
    good = { ...model, embed: memory.embed };
  });
  after(() => model.close());

  const judge = (seed: number, embed: Embed): Promise<Verdict> => gateOf(sections, good, embed, seed);

  for (const seed of SEEDS) {
    test(`refuses vectors that are other chunks', seed ${String(seed)}`, async () => {
      // Which texts there are is known once they have been ingested.
      let shuffled: Embed | null = null;
      assertRefused(
        await judge(seed, (texts, options) => {
          shuffled ??= swapped(memory, createRandom(seed));
          return shuffled(texts, options);
        }),
      );
    });

    test(`refuses vectors of the first words only, seed ${String(seed)}`, async () => {
      const words = 2 + seed;
      assertRefused(
        await judge(seed, (texts, options) =>
          good.embed(
            options.inputType === 'query' ? texts : texts.map((text) => firstWords(text, words)),
            options,
          ),
        ),
      );
    });

    test(`passes vectors that are off by rounding, seed ${String(seed)}`, async () => {
      const random = createRandom(seed);
      assertPassed(
        await judge(seed, async (texts, options) =>
          (await good.embed(texts, options)).map((vector) => blurred(vector, random)),
        ),
      );
    });
  }
});

describe('the gate on a model whose documents and questions are embedded in two ways', () => {
  for (const seed of SEEDS) {
    test(`refuses documents that are embedded as questions, seed ${String(seed)}`, async () => {
      const model = createTwoWays(createRandom(seed));
      const sections = await readSections();
      assertRefused(
        await gateOf(
          sections,
          model,
          (texts, options) => model.embed(texts, { ...options, inputType: 'query' }),
          seed,
          MANY_QUESTIONS,
        ),
      );
    });

    test(`passes those that are embedded as they should, seed ${String(seed)}`, async () => {
      const model = createTwoWays(createRandom(seed));
      assertPassed(
        await gateOf(
          await readSections(),
          model,
          (texts, options) => model.embed(texts, options),
          seed,
          MANY_QUESTIONS,
        ),
      );
    });
  }
});

interface Verdict {
  readonly passed: boolean;
  readonly reasons: readonly string[];
  /** Why activation was refused; null where it was not. */
  readonly refused: string | null;
}

/** Judges the same model with other vectors, and tries to activate it. */
async function gateOf(
  sections: readonly RawDocument[],
  good: Embedder,
  embed: Embed,
  seed: number,
  count = QUESTIONS,
): Promise<Verdict> {
  const other: Embedder = {
    ...good,
    name: 'other',
    pin: { ...good.pin, revision: `other-${String(seed)}` },
    embed,
    close: () => Promise.resolve(),
  };
  const kept: Embedder = { ...good, name: 'good', close: () => Promise.resolve() };
  const questions = drawQuestions(sections, count, createRandom(seed));
  const runtime = await openPages({ sections, questions, good: kept, other });
  try {
    const { id } = await runtime.generations.start('pages', { embedder: 'other' }, AUTHOR);
    const { passed, reasons, active, comparison } = await runGate(runtime, {
      collection: 'pages',
      policy: POLICY,
      author: AUTHOR,
    });
    // Where the good one finds little, a spoilt one has nothing to lose.
    assert.ok(active.metrics['ndcg@10'] > 0.5, `the active one has ${String(active.metrics['ndcg@10'])}`);
    assert.equal(comparison.queries, count);
    const refused = await runtime.generations.activate('pages', id, AUTHOR).then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const { generation } = await runtime.catalog.getCollection('pages');
    assert.equal(generation.id === id, refused === null);
    return { passed, reasons, refused };
  } finally {
    await runtime.close();
  }
}

function assertRefused({ passed, reasons, refused }: Verdict): void {
  assert.ok(!passed, 'the gate let it pass');
  assert.match(reasons.join('; '), /falls from/u);
  assert.match(refused ?? '', /is not activated: its gate failed: /u);
}

function assertPassed({ reasons, refused }: Verdict): void {
  assert.deepEqual(reasons, []);
  assert.equal(refused, null);
}

interface Remembering {
  readonly embed: Embed;
  /** All texts that were embedded as documents, with their vectors. */
  readonly documents: ReadonlyMap<string, Float32Array>;
}

/** The model is asked for each text once in all, whatever number of seeds. */
function remember(embed: Embed): Remembering {
  const known = { document: new Map<string, Float32Array>(), query: new Map<string, Float32Array>() };
  return {
    documents: known.document,
    async embed(texts, options) {
      const of = known[options.inputType];
      const missing = [...new Set(texts)].filter((text) => !of.has(text));
      const made = missing.length === 0 ? [] : await embed(missing, options);
      for (const [at, text] of missing.entries()) of.set(text, made[at] ?? new Float32Array());
      return texts.map((text) => of.get(text) ?? new Float32Array());
    },
  };
}

/** Each document's text has the vector of another: in a random ring, that of the next. */
function swapped({ embed, documents }: Remembering, random: Random): Embed {
  const ring = random.shuffle([...documents.keys()]);
  const next = new Map(ring.map((text, at) => [text, ring[(at + 1) % ring.length] ?? text]));
  return (texts, options) =>
    embed(options.inputType === 'query' ? texts : texts.map((text) => next.get(text) ?? text), options);
}

function firstWords(text: string, count: number): string {
  return text.split(/\s+/u).slice(0, count).join(' ');
}

function blurred(vector: Float32Array, random: Random): Float32Array {
  return unit(vector.map((value) => value + (random.next() - 0.5) * 1e-3));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const DIMENSIONS = 256;
/** How far apart the two ways are. */
const SPREAD = 7;

/**
 * Words hashed into a vector, which documents have stretched along each axis and questions
 * squeezed by as much: the two fit together, and neither fits itself.
 */
function createTwoWays(random: Random): Embedder {
  const stretch = Float32Array.from({ length: DIMENSIONS }, () => Math.exp((random.next() * 2 - 1) * SPREAD));
  const base = createFakeEmbedder({
    maxTokens: 512,
    pin: { dimensions: DIMENSIONS, documentPrefix: 'input_type:document', queryPrefix: 'input_type:query' },
  });
  const words = new Map<string, Float32Array>();
  const toVector = (text: string, { inputType }: EmbedOptions): Float32Array => {
    const sum = new Float32Array(DIMENSIONS);
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
      const vector = words.get(word) ?? wordVector(word);
      words.set(word, vector);
      for (const [axis, value] of vector.entries()) sum[axis] = (sum[axis] ?? 0) + value;
    }
    return unit(
      sum.map((value, axis) =>
        inputType === 'document' ? value * (stretch[axis] ?? 1) : value / (stretch[axis] ?? 1),
      ),
    );
  };
  return {
    ...base,
    embed: (texts, options) => Promise.resolve(texts.map((text) => toVector(text, options))),
  };
}

function wordVector(word: string): Float32Array {
  return createRandom(createHash('sha256').update(word).digest().readUInt32LE()).vector(DIMENSIONS);
}
