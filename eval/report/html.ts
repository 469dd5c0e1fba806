/** Writing HTML: escaping, and tables. */

/** Text made safe inside an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/gu, (character) => entities[character] ?? character);
}

export interface HtmlTable {
  readonly caption: string;
  readonly head: readonly string[];
  /** Plain text; escaped here. */
  readonly rows: readonly (readonly string[])[];
  /** Columns of words, by position; the others hold numbers and align right. */
  readonly words?: readonly number[];
}

/** A table that scrolls sideways by itself where the page is narrow. */
export function renderHtmlTable({ caption, head, rows, words = [0] }: HtmlTable): string {
  const kind = (column: number): string => (words.includes(column) ? ' class="words"' : '');
  const headCells = head.map((cell, at) => `<th scope="col"${kind(at)}>${escapeHtml(cell)}</th>`);
  const bodyRows = rows.map(
    (row) =>
      `<tr>${row
        .map((cell, at) =>
          at === 0
            ? `<th scope="row"${kind(at)}>${escapeHtml(cell)}</th>`
            : `<td${kind(at)}>${escapeHtml(cell)}</td>`,
        )
        .join('')}</tr>`,
  );
  return `<div class="scroll" role="region" aria-label="${escapeHtml(caption)}" tabindex="0"><table>
<caption>${escapeHtml(caption)}</caption>
<thead><tr>${headCells.join('')}</tr></thead>
<tbody>${bodyRows.join('\n')}</tbody>
</table></div>`;
}
