/** A runtime with a fake embedder, and a bucket as its source. */
import type { FakeOptions, FakeEmbedder } from '../../support/fake-embedder.js';
import { createFakeEmbedder } from '../../support/fake-embedder.js';
import { loadConfig } from '../../../src/config.js';
import { openRuntime } from '../../../src/runtime.js';
import type { Runtime } from '../../../src/runtime-types.js';
import { parseS3Url } from '../../../src/ingest/sources/s3/location.js';
import { s3Source, type S3Options } from '../../../src/ingest/sources/s3/source.js';
import type { Source, SourceItem } from '../../../src/ingest/types.js';
import { createMemoryStore } from '../../../src/stores/memory/index.js';
import type { TestBucket } from '../../support/s3.js';

export interface Bench {
  readonly runtime: Runtime;
  readonly embedder: FakeEmbedder;
}

/** A runtime over memory with an empty collection `c`. */
export async function openBench(options: FakeOptions = {}): Promise<Bench> {
  const embedder = createFakeEmbedder(options);
  const runtime = await openRuntime(loadConfig({}), {
    store: createMemoryStore(),
    openEmbedder: () => Promise.resolve(embedder),
    embedders: ['fake'],
  });
  await runtime.catalog.createCollection({ name: 'c', embedder: 'fake' });
  return { runtime, embedder };
}

/** What lies at a path of the bucket. */
export function sourceOf(bucket: TestBucket, path = '', options: S3Options = {}): Source {
  return s3Source(bucket.objects, [parseS3Url(`s3://${bucket.name}/${path}`)], options);
}

export async function itemsOf(source: Source): Promise<readonly SourceItem[]> {
  const items: SourceItem[] = [];
  for await (const item of source.items()) items.push(item);
  return items;
}

/** Document ids without the bucket, and what failed with its reason. */
export async function namesOf(bucket: TestBucket, source: Source): Promise<readonly string[]> {
  const start = `s3://${bucket.name}/`.length;
  return (await itemsOf(source)).map((item) => {
    if (item.kind === 'document') return item.document.id.slice(start);
    return item.kind === 'failed' ? `${item.name.slice(start)}: ${item.error.message}` : item.id;
  });
}

/** Ids and metadata of all that is stored. */
export async function storedIn(
  runtime: Runtime,
): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> {
  const { items } = await runtime.catalog.listDocuments('c', { limit: 1000 });
  return new Map(items.map(({ id, metadata }) => [id, metadata]));
}
