/** What `plumbline collections …` does. */
import { fromManaged } from '../api/schemas/managed-collection.js';
import { fromCollection } from '../api/wire.js';
import type { ManagedCollection } from '../catalog/managed.js';
import type { CollectionDescription } from '../catalog/types.js';
import { RetrievalError } from '../errors.js';
import type { Partitions, VectorIndex } from '../model.js';
import { chunkerOf, describeChunker } from './chunker-options.js';
import type { CreateCommandOptions } from './commands/collections.js';
import {
  EXIT,
  printJson,
  printLine,
  withRuntime,
  type Context,
  type ExitCode,
  type Output,
} from './context.js';
import { indexOf } from './index-options.js';
import { given } from './options.js';
import { table } from './table.js';
import { count, paint, plural } from './text.js';

export function listCommand(context: Context, json: boolean): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const collections = await runtime.catalog.listCollections({ signal });
    const { managed } = runtime;
    if (json) {
      printJson(stdout, { collections: [...collections.map(fromCollection), ...managed.map(fromManaged)] });
    } else if (collections.length + managed.length === 0) {
      printLine(
        stdout,
        'There is no collection yet. Make one: plumbline ingest PATH --collection NAME --embedder NAME',
      );
    } else {
      const rows = collections.map(({ name, counts, modelVersion }) => [
        name,
        count(counts.documents),
        count(counts.chunks),
        modelVersion,
      ]);
      rows.push(...managed.map(({ name, modelVersion }) => [name, '–', '–', modelVersion]));
      for (const line of table(['collection', 'documents', 'chunks', 'model'], rows)) printLine(stdout, line);
    }
    return EXIT.ok;
  });
}

/** @throws RetrievalError `invalid_request` for settings of an index that was not chosen. */
export function createCommand(
  context: Context,
  name: string,
  options: CreateCommandOptions,
): Promise<ExitCode> {
  const { stdout, signal } = context;
  const index = indexOf(options);
  const input = {
    name,
    embedder: options.embedder,
    ...given({
      fields: options.field,
      fieldMode: options.inferFields === true ? ('inferred' as const) : undefined,
      language: options.language,
      metric: options.metric,
      index,
    }),
    chunker: chunkerOf(options),
  };
  return withRuntime(context, async (runtime) => {
    const collection = await runtime.catalog.createCollection(input, { signal });
    if (options.json === true) printJson(stdout, fromCollection(collection));
    else showCollection(stdout, collection);
    return EXIT.ok;
  });
}

export function describeCommand(context: Context, name: string, json: boolean): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const managed = runtime.managed.find((known) => known.name === name);
    if (managed !== undefined) {
      if (json) printJson(stdout, fromManaged(managed));
      else showManaged(stdout, managed);
      return EXIT.ok;
    }
    const collection = await runtime.catalog.describeCollection(name, { signal });
    if (json) printJson(stdout, fromCollection(collection));
    else showCollection(stdout, collection);
    return EXIT.ok;
  });
}

/** @throws RetrievalError `invalid_request` unless `confirmed`. */
export function deleteCommand(context: Context, name: string, confirmed: boolean): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const { counts } = await runtime.catalog.describeCollection(name, { signal });
    const what = `collection "${name}" with ${plural(counts.documents, 'document')} and ${plural(counts.chunks, 'chunk')}`;
    if (!confirmed) {
      throw new RetrievalError('invalid_request', `This would delete ${what}. Add --yes to do it`, {
        field: 'yes',
      });
    }
    await runtime.catalog.deleteCollection(name, { signal });
    printLine(stdout, `Deleted ${what}.`);
    return EXIT.ok;
  });
}

function showCollection(output: Output, collection: CollectionDescription): void {
  const { generation, counts } = collection;
  const { pin, chunker } = generation;
  const fields = Object.entries(collection.fields).map(([name, type]) => `${name}:${type}`);
  const rows = [
    ['documents', count(counts.documents)],
    ['chunks', count(counts.chunks)],
    ['embedder', generation.embedder],
    ['model', `${collection.modelVersion}, ${String(pin.dimensions)} dimensions, ${pin.precision}`],
    ['chunker', describeChunker(chunker)],
    ['metric', generation.metric],
    ['index', describeIndex(generation.index)],
    ['language', collection.language],
    ['fields', `${collection.fieldMode}: ${fields.join(', ')}`],
    ['created', collection.createdAt],
  ] as const;
  printLine(output, paint(output, 'bold', collection.name));
  for (const [name, value] of rows) printLine(output, `  ${name.padEnd(10)} ${value}`);
}

function showManaged(output: Output, collection: ManagedCollection): void {
  const fields = Object.entries(collection.fields).map(([name, type]) => `${name}:${type}`);
  const rows = [
    ['kind', collection.kind],
    ['id', collection.knowledgeBaseId],
    ['region', collection.region ?? "that of the service's other Bedrock calls"],
    ['search', collection.searchType],
    ['fields', fields.join(', ') || 'none'],
  ] as const;
  printLine(output, paint(output, 'bold', collection.name));
  for (const [name, value] of rows) printLine(output, `  ${name.padEnd(10)} ${value}`);
}

function describeIndex(index: VectorIndex): string {
  switch (index.kind) {
    case 'hnsw':
      return `hnsw, m ${String(index.m)}, ef_construction ${String(index.efConstruction)}${index.compression === undefined ? '' : `, compressed ${index.compression}`}${index.onDisk === true ? ' on disk' : ''}${describePartitions(index.partitions)}, from ${count(index.buildAfter)} chunks on`;
    case 'ivfflat':
      return `ivfflat, lists ${String(index.lists)}, from ${count(index.buildAfter)} chunks on`;
    case 'none':
      return 'none: every vector is compared';
    default:
      return index satisfies never;
  }
}

function describePartitions(partitions: Partitions | undefined): string {
  if (partitions === undefined) return '';
  const { field, count: parts, by } = partitions;
  return `, in ${String(parts)} partitions by ${by === 'value' ? field : `the ${by} of ${field}`}`;
}
