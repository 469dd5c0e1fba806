/**
 * The report's script: filters, sorts and compares the rows that are there already. It makes no
 * HTML and asks for nothing; the page's policy names it by its hash.
 */
import { createHash } from 'node:crypto';

export const SCRIPT = `
'use strict';
(() => {
  const form = document.getElementById('tools');
  const body = document.querySelector('#questions tbody');
  if (form === null || body === null) return;
  form.hidden = false;
  const rows = Array.from(body.rows).map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
    values: row.dataset.v.split(' ').map(Number),
    place: Number(row.dataset.n),
  }));
  const field = (name) => form.elements.namedItem(name);
  const number = (value) => value.toFixed(3);
  const compares = field('a') !== null;
  const update = () => {
    const a = compares ? Number(field('a').value) : 0;
    const b = compares ? Number(field('b').value) : 0;
    const words = field('text').value.toLowerCase().split(/\\s+/).filter(Boolean);
    const losses = field('losses').checked;
    const order = field('sort').value;
    let shown = 0;
    for (const item of rows) {
      const before = item.values[a];
      const after = item.values[b];
      item.change = after - before;
      item.after = after;
      const isLoss = compares ? item.change < -1e-9 : after === 0;
      item.row.hidden = (losses && !isLoss) || !words.every((word) => item.text.includes(word));
      if (!item.row.hidden) shown += 1;
      const cells = item.row.querySelectorAll('[data-c]');
      for (const cell of cells) {
        const kind = cell.dataset.c;
        if (kind === 'a') cell.textContent = number(before);
        if (kind === 'b') cell.textContent = number(after);
        if (kind === 'd') {
          cell.textContent = (item.change < 0 ? '\\u2212' : '+') + number(Math.abs(item.change));
          cell.className = item.change < -1e-9 ? 'loss' : item.change > 1e-9 ? 'win' : '';
        }
      }
    }
    const compare = {
      place: (x, y) => x.place - y.place,
      worst: (x, y) => x.after - y.after || x.place - y.place,
      best: (x, y) => y.after - x.after || x.place - y.place,
      loss: (x, y) => x.change - y.change || x.place - y.place,
      win: (x, y) => y.change - x.change || x.place - y.place,
    }[order];
    body.append(...rows.slice().sort(compare).map((item) => item.row));
    document.getElementById('shown').textContent = shown + ' of ' + rows.length + ' questions';
  };
  form.addEventListener('input', update);
  form.addEventListener('submit', (event) => event.preventDefault());
  update();
})();
`;

/** What the page's content security policy allows to run: this script and no other. */
export const SCRIPT_POLICY = `'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`;
