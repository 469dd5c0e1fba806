import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, type DefaultTreeAdapterMap } from 'parse5';
import { loadDataSet } from '../../eval/dataset.js';
import type { EvalRecord } from '../../eval/record.js';
import { renderReport } from '../../eval/report/page.js';
import { renderChart } from '../../eval/report/chart.js';
import { evaluate } from '../../eval/run.js';
import { createWordRuntime, SMALL, withFolder, writeFiles } from './support.js';

type Element = DefaultTreeAdapterMap['element'];

function elements(html: string): readonly Element[] {
  const problems: string[] = [];
  const document = parse(html, { onParseError: (error) => problems.push(error.code) });
  assert.deepEqual(problems, []);
  const walk = (node: DefaultTreeAdapterMap['node']): readonly Element[] =>
    'childNodes' in node
      ? [...('tagName' in node ? [node] : []), ...node.childNodes.flatMap((child) => walk(child))]
      : [];
  return walk(document);
}

function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((candidate) => candidate.name === name)?.value;
}

async function smallReport(): Promise<{ readonly record: EvalRecord; readonly html: string }> {
  return withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    const dataSet = await loadDataSet(folder, { split: 'test', corpus: true });
    const target = { kind: 'own', settings: { embedder: 'words' } } as const;
    const { record } = await evaluate(createWordRuntime(), dataSet, { target });
    return { record, html: renderReport(record, dataSet.queries) };
  });
}

test('the page is well-formed, asks for nothing, runs nothing, and names every chart', async () => {
  const { html } = await smallReport();
  const all = elements(html);
  for (const element of all) {
    assert.ok(!['script', 'link', 'img', 'iframe', 'object'].includes(element.tagName), element.tagName);
    for (const { name, value } of element.attrs) {
      assert.ok(!name.startsWith('on'), name);
      assert.ok(!['src', 'href'].includes(name), `${name}=${value}`);
    }
  }
  assert.doesNotMatch(html, /url\(|@import/u);
  const charts = all.filter((element) => element.tagName === 'svg');
  assert.equal(charts.length, 4);
  const ids = new Set(all.flatMap((element) => attribute(element, 'id') ?? []));
  for (const chart of charts) {
    assert.equal(attribute(chart, 'role'), 'img');
    assert.ok(ids.has(attribute(chart, 'aria-labelledby') ?? ''));
    assert.ok(ids.has(attribute(chart, 'aria-describedby') ?? ''));
  }
  const figures = all.filter((element) => element.tagName === 'figure');
  for (const figure of figures) {
    const inside = elements(`<!doctype html>${html.slice(html.indexOf('<figure>'))}`);
    assert.ok(figure.childNodes.length > 0 && inside.some((element) => element.tagName === 'table'));
  }
  assert.doesNotMatch(html, /NaN|Infinity|undefined/u);
});

test('questions are shown, escaped; passages are not', async () => {
  const { html } = await smallReport();
  assert.ok(html.includes('square &lt;b&gt;number&lt;/b&gt; &amp; twelve'));
  assert.ok(!html.includes('red circle and red square'));
});

test('a measurement without one answer still makes a page', async () => {
  const { record } = await smallReport();
  const empty: EvalRecord = {
    ...record,
    scores: { edges: [], relevant: [], other: [] },
    per_query: record.per_query.map((query) => ({ ...query, took_ms: null, hits: [], retrieved: 0 })),
  };
  const html = renderReport(empty, new Map());
  elements(html);
  assert.doesNotMatch(html, /NaN|Infinity|undefined/u);
  assert.match(html, /no data/u);
});

test('a chart keeps its points inside the drawing and its ticks round', () => {
  const svg = renderChart({
    id: 'c',
    title: 'a < b',
    description: 'd',
    xLabel: 'x',
    yLabel: 'y',
    series: [{ label: 's', colour: 'a', shape: 'line', points: [3, 0.1, 7.77].map((y, x) => ({ x, y })) }],
    y: [0, 10],
  });
  assert.ok(svg.includes('a &lt; b'));
  const line = /class="line a" d="([^"]+)"/u.exec(svg)?.[1] ?? '';
  const numbers = (line.match(/-?[\d.]+/gu) ?? []).map(Number);
  assert.equal(numbers.length, 6);
  for (const [at, value] of numbers.entries()) assert.ok(value >= 0 && value <= (at % 2 === 0 ? 400 : 230));
  assert.deepEqual(
    [...svg.matchAll(/text-anchor="end">([^<]+)</gu)].map((match) => match[1]),
    ['0', '2', '4', '6', '8', '10'],
  );
});
