/** Making another generation the active one, in the collection's turn. */
import type { CallOptions } from '../port.js';
import type { Catalog, Located } from './catalog.js';
import { activated } from './collection-record.js';
import type { CollectionTurn } from './collection-turn.js';
import { compare, isMissing } from './compare.js';
import { readDocuments } from './read-whole.js';
import type { Searcher } from './search.js';
import { slices } from './state.js';
import { contended } from './reservations.js';
import type { Change, Turn } from './transaction.js';
import { STEP, changeOf, deletions } from './write-documents.js';

export interface ActivationParts {
  readonly catalog: Catalog;
  readonly searcher: Searcher;
}

/** Why a generation cannot become active. */
export interface Refusal {
  readonly active: number;
  readonly missing: number;
}

/** Documents compared between two signs of life. */
const KEEP_EVERY = 1000;

/** Null when it is the active one now. */
export async function activateGeneration(
  parts: ActivationParts,
  turn: CollectionTurn,
  located: Located,
  from: number,
  options: CallOptions | undefined,
): Promise<Refusal | null> {
  const { catalog } = parts;
  const { name, generation } = located.collection;
  const active = turn.whole.active.collection.generation.id;
  if (active === generation.id) return { active, missing: 0 };
  const missing = await turn.inOther(located, async (own) => {
    const differences = await findDifferences(parts, turn.whole.active, located, own, options);
    if (active === from && differences.missing === 0) {
      await complete(parts, turn.whole.active, located, own, differences, options);
    }
    return differences.missing;
  });
  if (active !== from || missing > 0) return { active, missing };
  const at = new Date().toISOString();
  // From here on it goes to its end, whoever waits for it. This one document is what readers go by.
  await catalog.changes.change(name, (record, wasSent) => {
    if (record.generation.id === generation.id && wasSent) return null;
    const next = record.generation.id === from ? activated(record, generation.id, at) : null;
    if (next === null) throw contended(name);
    return next;
  });
  return null;
}

interface Differences {
  readonly missing: number;
  /** Documents that the collection has no more, or not as they are here. */
  readonly obsolete: readonly string[];
  /** Documents without any chunks, which nobody wrote here. */
  readonly bare: readonly string[];
}

async function findDifferences(
  { searcher }: ActivationParts,
  active: Located,
  located: Located,
  own: Turn,
  options: CallOptions | undefined,
): Promise<Differences> {
  let [missing, seen] = [0, 0];
  const obsolete: string[] = [];
  const bare: string[] = [];
  for await (const compared of compare(searcher, active.index, located.index, options)) {
    seen += 1;
    if (seen % KEEP_EVERY === 0) await own.keep();
    const { id, active: now, other } = compared;
    if (now === null) obsolete.push(id);
    else if (isMissing(compared)) missing += 1;
    else if (now.chunks === 0 && other?.contentHash !== now.contentHash) bare.push(id);
  }
  return { missing, obsolete, bare };
}

async function complete(
  { catalog, searcher }: ActivationParts,
  active: Located,
  located: Located,
  own: Turn,
  { obsolete, bare }: Differences,
  options: CallOptions | undefined,
): Promise<void> {
  for (const ids of slices(obsolete, STEP)) await own.apply(deletions(ids));
  if (bare.length > 0) await catalog.mapFields(located, options);
  for (const ids of slices(bare, STEP)) {
    const documents = await readDocuments(searcher, active, ids, options);
    const changes = [...documents.values()].map((document): Change =>
      changeOf(located, document, document.ingestedAt, () => located.fields),
    );
    await own.apply(changes);
  }
}
