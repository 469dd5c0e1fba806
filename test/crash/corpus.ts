/** Two states of one corpus: the second changes, adds and drops documents. Deterministic. */
import type { Source } from '../../src/ingest/types.js';
import type { RawDocument } from '../../src/model.js';

const WORDS = 'valve rotor piston gasket nozzle sensor cable flange pulley bearing'.split(' ');
const DOCUMENTS = 120;

export type CorpusState = 'first' | 'second';

export function crashCorpus(state: CorpusState, count = DOCUMENTS): Source {
  const documents = Array.from({ length: count }, (_, index) => document(index, state)).filter(
    (item) => item !== null,
  );
  return {
    total: documents.length,
    async *items() {
      for (const item of documents) yield { kind: 'document', document: item };
    },
  };
}

function document(index: number, state: CorpusState): RawDocument | null {
  const isSecond = state === 'second';
  // Every seventh vanishes, every fifth comes new, every third changes one section.
  if (isSecond ? index % 7 === 6 : index % 5 === 4) return null;
  const changed = isSecond && index % 3 === 0;
  const section = (number: number): string => {
    const word = WORDS[(index + number * 3) % WORDS.length] ?? '';
    const revision = changed && number === 1 ? ' as revised' : '';
    return `## ${word} ${String(number)}\n\n${`The ${word} of machine ${String(index)}${revision} turns. `.repeat(6)}`;
  };
  return {
    id: `machines/${String(index).padStart(3, '0')}.md`,
    format: 'markdown',
    content: `# Machine ${String(index)}\n\n${[0, 1, 2].map(section).join('\n\n')}`,
    metadata: { line: index % 4, ...(changed ? { revised: true } : {}) },
  };
}
