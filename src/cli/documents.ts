/** What `plumbline documents …` does. */
import { fromDocument, fromDocumentSummary } from '../api/wire.js';
import type { DocumentWithChunks } from '../catalog/types.js';
import { RetrievalError } from '../errors.js';
import type { DeleteCommandOptions, ListCommandOptions } from './commands/documents.js';
import {
  EXIT,
  printJson,
  printLine,
  withRuntime,
  type Context,
  type ExitCode,
  type Output,
} from './context.js';
import { filterJson, given } from './options.js';
import { table } from './table.js';
import { count, oneLine, paint, plural, wrap } from './text.js';

export function listCommand(
  context: Context,
  collection: string,
  options: ListCommandOptions,
): Promise<ExitCode> {
  const { stdout, signal } = context;
  const query = {
    limit: options.limit,
    ...given({ filter: filterOf(options.filter), after: options.after }),
  };
  return withRuntime(context, async (runtime) => {
    const page = await runtime.catalog.listDocuments(collection, query, { signal });
    if (options.json === true) {
      printJson(stdout, { documents: page.items.map(fromDocumentSummary), next: page.next });
      return EXIT.ok;
    }
    const rows = page.items.map(({ id, title, chunkCount, ingestedAt }) => [
      id,
      count(chunkCount),
      ingestedAt.slice(0, 19),
      title ?? '',
    ]);
    for (const line of table(['id', 'chunks', 'ingested', 'title'], rows)) printLine(stdout, line);
    if (page.next !== null) {
      printLine(stdout, paint(stdout, 'dim', `There are more: --after '${oneLine(page.next)}'`));
    }
    return EXIT.ok;
  });
}

export function getCommand(
  context: Context,
  collection: string,
  id: string,
  json: boolean,
): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const stored = await runtime.catalog.getDocument(collection, id, { signal });
    if (json) printJson(stdout, fromDocument(stored));
    else showDocument(stdout, stored);
    return EXIT.ok;
  });
}

export function countCommand(
  context: Context,
  collection: string,
  filter: string | undefined,
  json: boolean,
): Promise<ExitCode> {
  const { stdout, signal } = context;
  const parsed = filterOf(filter);
  return withRuntime(context, async (runtime) => {
    const documents = await runtime.catalog.countDocuments(collection, parsed, { signal });
    if (json) printJson(stdout, { count: documents });
    else printLine(stdout, String(documents));
    return EXIT.ok;
  });
}

/** @throws RetrievalError `invalid_request` unless one of id and filter is given, and the filter confirmed. */
export function deleteCommand(
  context: Context,
  collection: string,
  id: string | undefined,
  options: DeleteCommandOptions,
): Promise<ExitCode> {
  const { stdout, signal } = context;
  const filter = filterOf(options.filter);
  if ((id === undefined) === (filter === undefined)) {
    throw new RetrievalError('invalid_request', 'Name either the id of one document, or a --filter', {
      field: 'filter',
    });
  }
  return withRuntime(context, async (runtime) => {
    if (id !== undefined) {
      await runtime.catalog.deleteDocument(collection, id, { signal });
      printLine(stdout, 'Deleted 1 document.');
    } else if (filter !== undefined) {
      if (options.yes !== true) {
        const documents = await runtime.catalog.countDocuments(collection, filter, { signal });
        throw new RetrievalError(
          'invalid_request',
          `This would delete ${plural(documents, 'document')}. Add --yes to do it`,
          { field: 'yes' },
        );
      }
      const gone = await runtime.catalog.deleteByFilter(collection, filter, { signal });
      printLine(stdout, `Deleted ${plural(gone, 'document')}.`);
    }
    return EXIT.ok;
  });
}

function filterOf(text: string | undefined): ReturnType<typeof filterJson> | undefined {
  return text === undefined ? undefined : filterJson(text);
}

function showDocument(output: Output, stored: DocumentWithChunks): void {
  const { document, chunks } = stored;
  printLine(output, paint(output, 'bold', oneLine(document.title ?? document.id)));
  const rows = [
    ['id', document.id],
    ['source', document.source ?? '–'],
    ['ingested', stored.ingestedAt],
    ['metadata', JSON.stringify(document.metadata)],
    ['chunks', count(chunks.length)],
  ] as const;
  for (const [name, value] of rows) printLine(output, `  ${name.padEnd(9)} ${oneLine(value)}`);
  for (const chunk of chunks) {
    printLine(output);
    const path = chunk.headingPath.map(oneLine).join(' › ');
    const facts = `#${String(chunk.ordinal)}  ${String(chunk.tokens)} tokens  ${String(chunk.start)}–${String(chunk.end)}`;
    printLine(output, `${paint(output, 'cyan', facts)}  ${path}`.trimEnd());
    for (const line of wrap(chunk.text, Math.max(30, output.columns - 2))) printLine(output, `  ${line}`);
  }
}
