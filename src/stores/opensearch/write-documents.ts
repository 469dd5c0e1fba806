/** Writing and deleting documents: what is checked and made before a turn, and the turns themselves. */
import { createAnalyzer } from '../../analysis/analyzer.js';
import type { Analyze } from '../../analysis/analyzer.js';
import type { Filter, Language, Pin } from '../../model.js';
import { assertSamePin } from '../../pin.js';
import type { CallOptions, DocumentWrite } from '../port.js';
import { validateVector } from '../validate.js';
import type { Located } from './catalog.js';
import { filterQuery } from './filter-query.js';
import { headEntry, partEntries } from './records.js';
import { both, ofKind, text } from './search.js';
import type { Searcher } from './search.js';
import { EVERYTHING, slices } from './state.js';
import type { Change, Writer } from './transaction.js';
import { assertUniqueIds } from '../refusals.js';

/** Documents deleted in one step of a turn: what has to be declared stays small. */
const STEP = 1000;

/** @throws RetrievalError `model_mismatch`, `invalid_vector`, before anything is sent */
export async function writeDocuments(
  writer: Writer,
  located: Located,
  pin: Pin,
  documents: readonly DocumentWrite[],
  options: CallOptions | undefined,
): Promise<void> {
  const { collection, fields, index } = located;
  const { generation, language, name } = collection;
  assertUniqueIds(documents);
  assertSamePin(name, generation.pin, pin);
  for (const { chunks } of documents) {
    for (const { vector } of chunks) validateVector(vector, pin.dimensions, generation.metric);
  }
  if (documents.length === 0) return;
  const analyze = analyzerOf(language);
  const ingestedAt = new Date().toISOString();
  const changes = documents.map((write): Change => {
    return {
      documentId: write.document.id,
      partCount: write.chunks.length + 1,
      entries: (token) => ({
        head: headEntry(write, token, fields, ingestedAt),
        parts: partEntries(write, token, fields, analyze),
      }),
    };
  });
  await writer.run(index, changes, (turn) => turn.apply(changes), options);
}

export async function deleteDocuments(
  writer: Writer,
  { index }: Located,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<number> {
  if (ids.length === 0) return 0;
  const steps = [...slices(deletions([...new Set(ids)]), STEP)];
  return writer.run(
    index,
    steps[0] ?? [],
    async (turn) => {
      let count = 0;
      for (const step of steps) count += await turn.apply(step);
      return count;
    },
    options,
  );
}

export async function deleteByFilter(
  writer: Writer,
  searcher: Searcher,
  located: Located,
  filter: Filter,
  options: CallOptions | undefined,
): Promise<number> {
  const query = both(ofKind('document'), filterQuery(filter, located.fields));
  return writer.run(
    located.index,
    [],
    async (turn) => {
      // In the turn: a document that is being written now is deleted after it, whole.
      const { hits } = await searcher.search(
        located.index,
        { query, _source: false, docvalue_fields: ['document_id'], size: EVERYTHING },
        options,
      );
      let count = 0;
      for (const step of slices(deletions(hits.map((hit) => text(hit, 'document_id'))), STEP)) {
        count += await turn.apply(step);
      }
      return count;
    },
    options,
  );
}

const analyzers = new Map<Language, Analyze>();

/** One analyzer a language: it remembers stems. */
export function analyzerOf(language: Language): Analyze {
  const known = analyzers.get(language);
  if (known !== undefined) return known;
  const made = createAnalyzer(language);
  analyzers.set(language, made);
  return made;
}

function deletions(ids: readonly string[]): readonly Change[] {
  return ids.map((documentId) => ({ documentId, entries: null, partCount: 0 }));
}
