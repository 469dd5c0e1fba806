/** The chunks an ingest would make, for people or as JSON lines. */
import type { DryRunDocument, DryRunItem, IngestFailure } from '../ingest/types.js';
import type { Chunk } from '../model.js';
import { EXIT, printJson, printLine, type Context, type ExitCode, type Output } from './context.js';
import { count, cutTo, oneLine, paint, plural } from './text.js';
import { toWire } from './wire.js';

export async function showDryRun(
  context: Context,
  items: AsyncIterable<DryRunItem>,
  json: boolean,
): Promise<ExitCode> {
  const totals = { documents: 0, chunks: 0, tokens: 0, failed: 0 };
  const { stdout } = context;
  for await (const item of items) {
    if (item.kind === 'failed') {
      totals.failed += 1;
      showFailure(json ? stdout : context.stderr, item.failure, json);
      continue;
    }
    const { document } = item;
    totals.documents += 1;
    totals.chunks += document.chunks.length;
    totals.tokens += document.chunks.reduce((sum, chunk) => sum + chunk.tokens, 0);
    if (json) showAsJson(stdout, document);
    else showDocument(stdout, document);
  }
  if (!json) {
    printLine(
      stdout,
      `${plural(totals.documents, 'document')}, ${plural(totals.chunks, 'chunk')}, ${plural(totals.tokens, 'token')}, ${count(totals.failed)} failed. Nothing was embedded or written.`,
    );
  }
  return totals.failed === 0 ? EXIT.ok : EXIT.someFailed;
}

function showFailure(output: Output, failure: IngestFailure, json: boolean): void {
  if (json) printJson(output, { kind: 'failed', ...failure });
  else {
    const { name, code, reason } = failure;
    printLine(output, `${paint(output, 'red', 'failed')} ${oneLine(name)}: ${oneLine(reason)} (${code})`);
  }
}

function showAsJson(output: Output, { id, title, chunks }: DryRunDocument): void {
  printJson(output, { kind: 'document', id, title, chunks: chunks.length });
  for (const chunk of chunks) printJson(output, { kind: 'chunk', ...(toWire(chunk) as object) });
}

function showDocument(output: Output, { id, title, chunks }: DryRunDocument): void {
  const shownTitle = title === null ? '' : ` · ${oneLine(title)}`;
  printLine(output, `${paint(output, 'bold', oneLine(id))}${shownTitle} · ${plural(chunks.length, 'chunk')}`);
  for (const chunk of chunks) showChunk(output, chunk);
  printLine(output);
}

function showChunk(output: Output, chunk: Chunk): void {
  const facts = [
    `#${String(chunk.ordinal)}`,
    `${String(chunk.tokens)} tokens`,
    `${String(chunk.start)}–${String(chunk.end)}`,
    ...(chunk.overlap > 0 ? [`${String(chunk.overlap)} repeated`] : []),
    ...(chunk.split === 'block' ? [] : [`cut at a ${chunk.split}`]),
  ];
  const path = chunk.headingPath.map(oneLine).join(' › ');
  printLine(output, `  ${paint(output, 'cyan', facts.join('  '))}${path === '' ? '' : `  ${path}`}`);
  const [first = ''] = chunk.text.trimStart().split('\n', 1);
  const line = oneLine(first);
  const room = Math.max(20, output.columns - 8);
  const shown = cutTo(line, room);
  printLine(output, paint(output, 'dim', `    ${shown}${shown.length < line.length ? ' …' : ''}`));
}
