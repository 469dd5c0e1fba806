/** What an ingest did, for people. */
import type { IngestSummary, Spent, WithoutText } from '../ingest/types.js';
import { printLine, type Output } from './context.js';
import { costText, count, cutTo, duration, oneLine, paint, plural } from './text.js';

/** Cells of a failed document's name. */
const SHOWN_NAME = 200;

export function showSummary(output: Output, collection: string, summary: IngestSummary): void {
  const { failed } = summary;
  const parts = [
    `${count(summary.added)} added`,
    `${count(summary.changed)} changed`,
    `${count(summary.unchanged)} unchanged`,
    `${count(summary.removed)} removed`,
    failed.length === 0 ? '0 failed' : paint(output, 'red', `${count(failed.length)} failed`),
  ];
  printLine(output, `${paint(output, 'bold', collection)}: ${parts.join(', ')}`);
  printLine(
    output,
    `${plural(summary.chunks, 'chunk')}: ${count(summary.embedded)} embedded, ${count(summary.reused)} reused; ${duration(summary.elapsedMs)}`,
  );
  if (summary.spent !== undefined) printLine(output, spentLine(summary.spent));
  if (summary.withoutText.documents > 0) printLine(output, withoutTextLine(summary.withoutText));
  for (const { name, code, reason } of failed) {
    printLine(output, `${paint(output, 'red', 'failed')} ${shownName(name)}: ${oneLine(reason)} (${code})`);
  }
  if (summary.pruneSkipped) {
    printLine(
      output,
      paint(
        output,
        'yellow',
        failed.length === 0
          ? 'Nothing was removed, because no document was read. To empty it, delete the collection.'
          : 'Nothing was removed, because something failed: it may be among what is missing.',
      ),
    );
  }
}

/** An id may be empty or of any length: that can be what is wrong with it. */
function shownName(name: string): string {
  const shown = cutTo(oneLine(name), SHOWN_NAME);
  if (shown === '') return '""';
  return shown.length < oneLine(name).length ? `${shown} …` : shown;
}

/** They are stored, and no query finds them. */
function withoutTextLine({ documents, ids }: WithoutText): string {
  const more = documents > ids.length ? `, and ${count(documents - ids.length)} more` : '';
  return `${plural(documents, 'document')} without text, which no query can find: ${ids.map(shownName).join(', ')}${more}`;
}

/** What a remote embedder was asked for; without a price, tokens only. */
function spentLine({ tokens, cached, cost }: Spent): string {
  const price = cost === null ? '' : `, estimated cost ${costText(cost)}`;
  return `${plural(tokens, 'token')} at the provider, ${plural(cached, 'text')} from the cache${price}`;
}
