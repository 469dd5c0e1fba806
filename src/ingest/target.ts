/**
 * Where a run writes to: the generation that was active when it began, those that are built beside
 * it, and, should another become active on the way, that one from then on.
 */
import { chunkWith } from '../chunking/chunkers.js';
import { textHash } from '../chunking/text-hash.js';
import type { Embedder } from '../embedders/port.js';
import { hasCode } from '../errors.js';
import type { Collection, EmbeddedChunk, Generation } from '../model.js';
import { assertSamePin, canonicalPin } from '../pin.js';
import type { BesideWrite } from '../stores/generations-port.js';
import type { CallOptions, DocumentWrite, GenerationRef, VectorStore } from '../stores/port.js';
import { embedChunks } from './embed-chunks.js';

/** One generation with its model. */
export interface Target {
  readonly ref: GenerationRef;
  readonly generation: Generation;
  readonly embedder: Embedder;
}

export interface Targets {
  /** The generation that documents are to be prepared for now. */
  current(): Target;
  /** Keeps for which generation the document's chunks were made. */
  prepared(write: DocumentWrite, target: Target): DocumentWrite;
  /** Writes a batch into the active generation, and beside it. */
  write(batch: readonly DocumentWrite[]): Promise<void>;
  /** Runs for the current target; when its generation was retired or dropped meanwhile, for the next. */
  follow<T>(run: (target: Target) => Promise<T>): Promise<T>;
}

/** For which generation a document's chunks were made. */
type MadeFor = WeakMap<DocumentWrite, Target>;

export interface TargetPorts {
  readonly store: Pick<VectorStore, 'putDocuments' | 'generations'>;
  getCollection(name: string, options: CallOptions): Promise<Collection>;
  openEmbedder(name: string): Promise<Embedder>;
  /** Generations that somebody builds now, retired ones that are to be active again among them. */
  readonly beingBuilt?: (collection: string, options: CallOptions) => Promise<ReadonlySet<number>>;
}

/** How long a look at what is built beside holds: a build that begins in the middle of a run must not be missed. */
const LOOK_AGAIN_MS = 2000;
/** How often a step follows the active generation. */
const MAX_SWITCHES = 5;

/** @throws RetrievalError `model_mismatch` when the model at hand is not the one the generation is pinned to. */
export async function openTargets(
  ports: TargetPorts,
  collection: Collection,
  options: CallOptions,
): Promise<Targets> {
  let current = await openTarget(ports, collection.name, collection.generation);
  const findBesides = createFinder(ports, collection.name, options);
  const madeFor: MadeFor = new WeakMap();

  /** The batch with all its chunks made for the target. */
  const madeAnew = (target: Target, batch: readonly DocumentWrite[]): Promise<readonly DocumentWrite[]> =>
    Promise.all(
      batch.map(async (write) =>
        (madeFor.get(write) ?? target).ref.generation === target.ref.generation
          ? write
          : { ...write, chunks: await chunksFor(target, write, madeFor, options) },
      ),
    );

  const follow: Targets['follow'] = async (run) => {
    for (let attempt = 1; ; attempt += 1) {
      const target = current;
      try {
        return await run(target);
      } catch (error) {
        const hasMoved = hasCode(error, 'generation_conflict') || hasCode(error, 'collection_not_found');
        if (!hasMoved || attempt > MAX_SWITCHES) throw error;
        const now = await ports.getCollection(collection.name, options);
        if (now.generation.id === target.ref.generation) throw error;
        current = await openTarget(ports, now.name, now.generation);
      }
    }
  };

  return {
    current: () => current,
    prepared(write, target) {
      madeFor.set(write, target);
      return write;
    },
    write: (batch) =>
      follow(async (target) => {
        const documents = await madeAnew(target, batch);
        const besides = await findBesides();
        const others = await Promise.all(
          besides
            .filter(({ ref }) => ref.generation !== target.ref.generation)
            .map((beside) => besideWrites(beside, batch, madeFor, options)),
        );
        await ports.store.putDocuments(target.ref, target.embedder.pin, documents, {
          ...options,
          ...(others.length === 0 ? {} : { beside: others.flat() }),
        });
      }),
    follow,
  };
}

async function openTarget(ports: TargetPorts, name: string, generation: Generation): Promise<Target> {
  const embedder = await ports.openEmbedder(generation.embedder);
  assertSamePin(name, generation.pin, embedder.pin);
  return { ref: { collection: name, generation: generation.id }, generation, embedder };
}

/** Finds the generations that are being built, and looks again from time to time. */
function createFinder(
  ports: TargetPorts,
  name: string,
  options: CallOptions,
): () => Promise<readonly Target[]> {
  let found: readonly Target[] = [];
  let lookedAt = -Infinity;
  return async () => {
    if (performance.now() - lookedAt < LOOK_AGAIN_MS) return found;
    const all = (await ports.store.generations?.known(name, options)) ?? [];
    const hasRetired = all.some(({ state }) => state === 'retired');
    const signed = hasRetired ? await ports.beingBuilt?.(name, options) : undefined;
    const building = all.filter(
      ({ id, state }) => state === 'building' || (state === 'retired' && signed?.has(id) === true),
    );
    found = (await Promise.all(building.map((each) => openBeside(ports, name, each)))).flat();
    lookedAt = performance.now();
    return found;
  };
}

/** None without its model: the build catches up later. */
async function openBeside(
  ports: TargetPorts,
  name: string,
  generation: Generation,
): Promise<readonly Target[]> {
  try {
    return [await openTarget(ports, name, generation)];
  } catch (error) {
    if (hasCode(error, 'cancelled')) throw error;
    return [];
  }
}

/** What fails beside does not fail the ingest: the document is then missing there, and built later. */
async function besideWrites(
  beside: Target,
  batch: readonly DocumentWrite[],
  madeFor: MadeFor,
  options: CallOptions,
): Promise<readonly BesideWrite[]> {
  try {
    const chunks = await Promise.all(
      batch.map(
        async (write) => [write.document.id, await chunksFor(beside, write, madeFor, options)] as const,
      ),
    );
    return [{ generation: beside.ref.generation, pin: beside.embedder.pin, chunks: new Map(chunks) }];
  } catch (error) {
    if (hasCode(error, 'cancelled')) throw error;
    return [];
  }
}

/** The document's chunks as that generation has them. Of the same model, equal texts keep their vectors. */
async function chunksFor(
  { generation, embedder }: Target,
  write: DocumentWrite,
  madeFor: MadeFor,
  options: CallOptions,
): Promise<readonly EmbeddedChunk[]> {
  const from = madeFor.get(write);
  const isSameModel =
    from !== undefined && canonicalPin(from.generation.pin) === canonicalPin(generation.pin);
  const kept = new Map(
    isSameModel ? write.chunks.map((chunk) => [textHash(chunk.indexedText), chunk.vector]) : [],
  );
  const { chunks } = await chunkWith(write.document, generation.chunker, embedder, options.signal);
  return (await embedChunks(embedder, chunks, kept, options)).chunks;
}
