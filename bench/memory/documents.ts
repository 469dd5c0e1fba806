/** Documents of five short sections, made one by one, so that making them needs no memory. */
import type { RawDocument } from '../../src/model.js';
import { createWordDrawer } from '../load/words.js';
import { mulberry32 } from '../support/random.js';

const SECTIONS = 5;
/** Enough that two sections do not fit into one chunk. */
const WORDS = 60;
const TOPICS = 200;

/** About that many chunks. */
export function* drawDocuments(chunks: number, seed: number): Generator<RawDocument> {
  const random = mulberry32(seed);
  const words = createWordDrawer(random);
  for (let index = 0; index < chunks / SECTIONS; index += 1) {
    const topic = Math.floor(random() * TOPICS);
    const sections = Array.from(
      { length: SECTIONS },
      (_, section) => `## Section ${String(section + 1)}\n\n${words.text(topic, WORDS)}.`,
    );
    yield {
      id: `document-${String(index)}`,
      format: 'markdown',
      content: sections.join('\n\n'),
      metadata: { shelf: `shelf-${String(topic % 40)}`, year: 1990 + (index % 36) },
    };
  }
}
