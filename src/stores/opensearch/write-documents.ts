/** Writing and deleting documents: what is checked and made before a turn, and the turns themselves. */
import { analyzerOf } from '../../analysis/analyzer.js';
import type { EmbeddedChunk, Filter, Pin } from '../../model.js';
import type { BesideWrite } from '../generations-port.js';
import type { CallOptions, DocumentWrite, GenerationRef } from '../port.js';
import { assertVectors } from '../validate.js';
import type { Catalog, Located } from './catalog.js';
import type { CollectionTurn, CollectionTurns } from './collection-turn.js';
import { filterQuery } from './filter-query.js';
import { headEntry, partEntries } from './records.js';
import { both, ofKind, text } from './search.js';
import type { Searcher } from './search.js';
import { EVERYTHING, slices } from './state.js';
import type { Change } from './transaction.js';
import { assertUniqueIds, noGeneration, notActive } from '../refusals.js';

/** What writing takes. */
export interface WriteParts {
  readonly turns: CollectionTurns;
  readonly searcher: Searcher;
  readonly catalog: Pick<Catalog, 'mapFields'>;
}

/** Documents changed in one step of a turn: what has to be declared stays small. */
export const STEP = 1000;

/** @throws RetrievalError `model_mismatch`, `invalid_vector`, before anything is sent; `generation_conflict` */
export async function writeDocuments(
  parts: WriteParts,
  located: Located,
  pin: Pin,
  documents: readonly DocumentWrite[],
  options: (CallOptions & { readonly beside?: readonly BesideWrite[] }) | undefined,
): Promise<void> {
  const { turns, catalog } = parts;
  const { name, generation } = located.collection;
  assertUniqueIds(documents);
  assertVectors(
    name,
    generation,
    pin,
    documents.flatMap(({ chunks }) => chunks),
  );
  const ingestedAt = new Date().toISOString();
  // Known in the turn: another process may add fields until then.
  let { fields } = located;
  const changes = documents.map((write) => changeOf(located, write, ingestedAt, () => fields));
  const outcome = await turns.runIn(
    located,
    changes,
    async (turn) => {
      const others = turn.others.map((other) => ({
        other,
        given: givenTo(other, options?.beside ?? []),
      }));
      for (const { other, given } of others) {
        await replaceIn(parts, turn, other, documents, given, ingestedAt, options);
      }
      await catalog.mapFields(turn.whole.active, options);
      ({ fields } = turn.whole.active);
      await turn.apply(changes);
    },
    options,
  );
  if (!outcome.isActive) throw refused({ collection: name, generation: generation.id }, outcome.whole);
}

/** What a document becomes in a generation. */
export function changeOf(
  { collection }: Located,
  write: DocumentWrite,
  ingestedAt: string,
  fields: () => Located['fields'],
): Change {
  const analyze = analyzerOf(collection.language);
  return {
    documentId: write.document.id,
    partCount: write.chunks.length + 1,
    entries: (token) => ({
      head: headEntry(write, token, fields(), ingestedAt),
      parts: partEntries(write, token, fields(), analyze),
    }),
  };
}

type Given = ReadonlyMap<string, readonly EmbeddedChunk[]>;

function givenTo(other: Located, beside: readonly BesideWrite[]): Given {
  const given = beside.find(({ generation }) => generation === other.collection.generation.id);
  if (given === undefined) return new Map();
  const { name, generation } = other.collection;
  assertVectors(name, generation, given.pin, [...given.chunks.values()].flat());
  return given.chunks;
}

/** In a generation that is not active: a document without chunks for it goes. */
async function replaceIn(
  { catalog, searcher }: WriteParts,
  turn: CollectionTurn,
  other: Located,
  documents: readonly DocumentWrite[],
  given: Given,
  ingestedAt: string,
  options: CallOptions | undefined,
): Promise<void> {
  const chunksOf = ({ document }: DocumentWrite): readonly EmbeddedChunk[] => given.get(document.id) ?? [];
  const kept = documents.filter((write) => chunksOf(write).length > 0);
  const removed = documents
    .filter((write) => chunksOf(write).length === 0)
    .map(({ document }) => document.id);
  await turn.inOther(other, async (own) => {
    if (kept.length > 0) await catalog.mapFields(other, options);
    const changes = [
      ...kept.map((write) =>
        changeOf(other, { ...write, chunks: chunksOf(write) }, ingestedAt, () => other.fields),
      ),
      ...deletions(await thereOf(searcher, other, removed, options)),
    ];
    if (changes.length > 0) await own.apply(changes);
  });
}

/** Those of the documents that a generation has. The caller has its turn. */
async function thereOf(
  searcher: Searcher,
  { index }: Located,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const { hits } = await searcher.search(
    index,
    {
      query: both(ofKind('document'), { terms: { document_id: ids } }),
      _source: false,
      docvalue_fields: ['document_id'],
      size: ids.length,
    },
    options,
  );
  return hits.map((hit) => text(hit, 'document_id'));
}

export function deleteDocuments(
  parts: WriteParts,
  name: string,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<number> {
  return parts.turns.run(name, (turn) => remove(parts, turn, [...new Set(ids)], options), options);
}

export function deleteByFilter(
  parts: WriteParts,
  name: string,
  filter: Filter,
  options: CallOptions | undefined,
): Promise<number> {
  return parts.turns.run(
    name,
    async (turn) => {
      const { index, fields } = turn.whole.active;
      // In the turn: a document that is being written now is deleted after it, whole.
      const { hits } = await parts.searcher.search(
        index,
        {
          query: both(ofKind('document'), filterQuery(filter, fields)),
          _source: false,
          docvalue_fields: ['document_id'],
          size: EVERYTHING,
        },
        options,
      );
      const ids = hits.map((hit) => text(hit, 'document_id'));
      return remove(parts, turn, ids, options);
    },
    options,
  );
}

async function remove(
  { searcher }: WriteParts,
  turn: CollectionTurn,
  ids: readonly string[],
  options: CallOptions | undefined,
): Promise<number> {
  for (const other of turn.others) {
    await turn.inOther(other, async (own) => {
      for (const some of slices(ids, STEP)) {
        const there = await thereOf(searcher, other, some, options);
        if (there.length > 0) await own.apply(deletions(there));
      }
    });
  }
  let count = 0;
  for (const some of slices(ids, STEP)) count += await turn.apply(deletions(some));
  return count;
}

export function deletions(ids: readonly string[]): readonly Change[] {
  return ids.map((documentId) => ({ documentId, entries: null, partCount: 0 }));
}

function refused(ref: GenerationRef, { generations }: CollectionTurn['whole']): Error {
  const isThere = generations.some(({ collection }) => collection.generation.id === ref.generation);
  return isThere ? notActive(ref) : noGeneration(ref);
}
