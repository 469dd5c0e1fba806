/** The domain's types ↔ the wire's snake_case. Pure. */
import type {
  CollectionDescription,
  DocumentWithChunks,
  NewCollection,
  NewPartitions,
  NewVectorIndex,
} from '../catalog/types.js';
import type { IngestSummary, Source } from '../ingest/types.js';
import { fromChunker, toNewChunker } from './chunker-wire.js';
import type { Generation, Pin, VectorIndex } from '../model.js';
import type { DocumentSummary } from '../stores/port.js';
import type { CollectionWire, NewCollectionBody, NewPartitionsBody } from './schemas/collection.js';
import type {
  DocumentSummaryWire,
  DocumentWire,
  PutDocumentsBody,
  PutSummaryWire,
} from './schemas/document.js';

export function toNewCollection(body: NewCollectionBody): NewCollection {
  const { index, chunker } = body;
  return {
    name: body.name,
    embedder: body.embedder,
    ...(body.fields === undefined ? {} : { fields: body.fields }),
    ...(body.field_mode === undefined ? {} : { fieldMode: body.field_mode }),
    ...(body.language === undefined ? {} : { language: body.language }),
    ...(body.metric === undefined ? {} : { metric: body.metric }),
    ...(index === undefined ? {} : { index: toIndex(index) }),
    ...(chunker === undefined ? {} : { chunker: toNewChunker(chunker) }),
  };
}

/** An index as asked for. */
export function toIndex(index: NonNullable<NewCollectionBody['index']>): NewVectorIndex {
  switch (index.kind) {
    case 'hnsw':
      return {
        kind: 'hnsw',
        m: index.m,
        ...(index.ef_construction === undefined ? {} : { efConstruction: index.ef_construction }),
        buildAfter: index.build_after,
        ...(index.compression === undefined ? {} : { compression: index.compression }),
        ...(index.on_disk === undefined ? {} : { onDisk: index.on_disk }),
        ...(index.partitions === undefined ? {} : { partitions: toPartitions(index.partitions) }),
      };
    case 'ivfflat':
      return { kind: 'ivfflat', lists: index.lists, buildAfter: index.build_after };
    case 'none':
      return index;
    default:
      return index satisfies never;
  }
}

function toPartitions({ field, count, by }: NewPartitionsBody): NewPartitions {
  return { field, count, ...(by === undefined ? {} : { by }) };
}

export function fromCollection(collection: CollectionDescription): CollectionWire {
  const { generation } = collection;
  return {
    name: collection.name,
    created_at: collection.createdAt,
    field_mode: collection.fieldMode,
    fields: { ...collection.fields },
    language: collection.language,
    counts: { documents: collection.counts.documents, chunks: collection.counts.chunks },
    generation: fromGenerationParts(generation, collection.modelVersion),
  };
}

/** What every generation says of itself. */
export function fromGenerationParts(
  generation: Generation,
  modelVersion: string,
): CollectionWire['generation'] {
  return {
    id: generation.id,
    state: generation.state,
    embedder: generation.embedder,
    model_version: modelVersion,
    pin: fromPin(generation.pin),
    chunker: fromChunker(generation.chunker),
    metric: generation.metric,
    index: fromIndex(generation.index),
  };
}

function fromPin(pin: Pin): CollectionWire['generation']['pin'] {
  return {
    provider: pin.provider,
    model: pin.model,
    revision: pin.revision,
    weights_sha256: pin.weightsSha256,
    tokenizer_sha256: pin.tokenizerSha256,
    dimensions: pin.dimensions,
    pooling: pin.pooling,
    normalized: pin.normalized,
    precision: pin.precision,
    document_prefix: pin.documentPrefix,
    query_prefix: pin.queryPrefix,
  };
}

function fromIndex(index: VectorIndex): CollectionWire['generation']['index'] {
  switch (index.kind) {
    case 'hnsw':
      return {
        kind: 'hnsw',
        m: index.m,
        ef_construction: index.efConstruction,
        build_after: index.buildAfter,
        ...(index.compression === undefined ? {} : { compression: index.compression }),
        ...(index.onDisk === undefined ? {} : { on_disk: index.onDisk }),
        ...(index.partitions === undefined ? {} : { partitions: { ...index.partitions } }),
      };
    case 'ivfflat':
      return { kind: 'ivfflat', lists: index.lists, build_after: index.buildAfter };
    case 'none':
      return { kind: 'none' };
    default:
      return index satisfies never;
  }
}

/** The documents of a request as a source of the one ingest. */
export function toSource({ documents }: PutDocumentsBody): Source {
  return {
    total: documents.length,
    async *items() {
      for (const { id, format, text, title, source, metadata } of documents) {
        yield {
          kind: 'document',
          document: {
            id,
            format,
            content: text,
            metadata,
            ...(title === undefined ? {} : { title }),
            ...(source === undefined ? {} : { source }),
          },
        };
      }
    },
  };
}

export function fromIngestSummary(summary: IngestSummary): PutSummaryWire {
  return {
    added: summary.added,
    changed: summary.changed,
    unchanged: summary.unchanged,
    failed: summary.failed.map(({ name, code, reason }) => ({ id: name, code, reason })),
    without_text: { documents: summary.withoutText.documents, ids: [...summary.withoutText.ids] },
    chunks: summary.chunks,
    embedded: summary.embedded,
    reused: summary.reused,
    took_ms: summary.elapsedMs,
  };
}

export function fromDocumentSummary(document: DocumentSummary): DocumentSummaryWire {
  return {
    id: document.id,
    title: document.title,
    source: document.source,
    metadata: { ...document.metadata },
    content_hash: document.contentHash,
    ingested_at: document.ingestedAt,
    chunk_count: document.chunkCount,
  };
}

export function fromDocument(stored: DocumentWithChunks): DocumentWire {
  const { document } = stored;
  return {
    id: document.id,
    title: document.title,
    source: document.source,
    metadata: { ...document.metadata },
    content_hash: stored.contentHash,
    ingested_at: stored.ingestedAt,
    chunk_count: stored.chunkCount,
    text: document.text,
    chunks: stored.chunks.map((chunk) => ({
      id: chunk.id,
      ordinal: chunk.ordinal,
      start: chunk.start,
      end: chunk.end,
      overlap: chunk.overlap,
      heading_path: [...chunk.headingPath],
      text: chunk.text,
      tokens: chunk.tokens,
      split: chunk.split,
    })),
  };
}
