/** The page of several runs: complete in itself, safe, and what its script does. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { parse, type DefaultTreeAdapterMap } from 'parse5';
import { loadDataSet } from '../../eval/dataset.js';
import type { EvalRecord } from '../../eval/record.js';
import { efSearchCurves } from '../../eval/report/curve.js';
import { labelRecords } from '../../eval/report/labels.js';
import { renderRuns } from '../../eval/report/runs-page.js';
import { evaluate } from '../../eval/run.js';
import { createWordRuntime, SMALL, withFolder, writeFiles } from './support.js';

type Element = DefaultTreeAdapterMap['element'];
const HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(1)">\'"&amp;';

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

async function records(): Promise<readonly [EvalRecord, EvalRecord, EvalRecord]> {
  return withFolder(async (folder) => {
    await writeFiles(folder, SMALL);
    const dataSet = await loadDataSet(folder, { split: 'test', corpus: true });
    const target = { kind: 'own', settings: { embedder: 'words' } } as const;
    const measure = async (efSearch: number, blunt: boolean): Promise<EvalRecord> =>
      (await evaluate(createWordRuntime({ blunt }), dataSet, { target, query: { ef_search: efSearch } }))
        .record;
    return [await measure(10, true), await measure(40, false), await measure(80, false)];
  });
}

test('no text of a user is markup, whether title, question, id, setting or name', async () => {
  const [first, second] = await records();
  const poison = (record: EvalRecord): EvalRecord => ({
    ...record,
    data_set: { ...record.data_set, name: HOSTILE, split: HOSTILE, warnings: [HOSTILE] },
    store: HOSTILE,
    model_version: HOSTILE,
    per_query: record.per_query.map((query) => ({
      ...query,
      id: `${HOSTILE}${query.id}`,
      text: HOSTILE,
      hits: query.hits.map((hit) => ({ ...hit, id: HOSTILE, title: HOSTILE })),
    })),
  });
  const html = renderRuns({
    records: [poison(first), poison(second)],
    by: 'ndcg@10',
    labels: [HOSTILE, `${HOSTILE}2`],
  });
  const all = elements(html);
  assert.equal(all.filter((element) => element.tagName === 'script').length, 1);
  assert.ok(
    !all.some(
      (element) =>
        ['img', 'link', 'iframe', 'object', 'style'].includes(element.tagName) && element.tagName !== 'style',
    ),
  );
  for (const element of all) {
    for (const { name } of element.attrs)
      assert.ok(!name.startsWith('on') && name !== 'src' && name !== 'href', name);
  }
  assert.doesNotMatch(html, /NaN|Infinity|undefined/u);
});

test('asks for nothing, and allows its own script only', async () => {
  const html = renderRuns({ records: await records(), by: 'ndcg@10' });
  assert.doesNotMatch(html, /url\(|@import|https?:/u);
  const script = /<script>([\s\S]*?)<\/script>/u.exec(html)?.[1] ?? '';
  const hash = createHash('sha256').update(script).digest('base64');
  assert.ok(html.includes(`script-src 'sha256-${hash}'`));
  assert.doesNotMatch(script, /innerHTML|fetch|XMLHttp|eval\(/u);
});

test('shows every measure, every question, the curve of ef_search and the verdict', async () => {
  const [first, second, third] = await records();
  const html = renderRuns({ records: [first, second, third], by: 'ndcg@10' });
  const all = elements(html);
  const rows = all.filter(
    (element) => element.tagName === 'tr' && element.attrs.some(({ name }) => name === 'data-v'),
  );
  assert.equal(rows.length, first.per_query.length);
  assert.equal(all.filter((element) => element.tagName === 'svg').length, 5 + 1 + 3);
  assert.match(html, /class="verdict">ef_search=40 /u);
  for (const svg of all.filter((element) => element.tagName === 'svg')) {
    assert.ok(svg.attrs.some(({ name }) => name === 'aria-labelledby'));
  }
  const ids = all.flatMap((element) =>
    element.attrs.filter(({ name }) => name === 'id').map(({ value }) => value),
  );
  assert.equal(new Set(ids).size, ids.length, 'ids are unique');
  const numbers = /data-v="([^"]+)"/u.exec(html)?.[1]?.split(' ').map(Number);
  assert.equal(numbers?.length, 3);
});

test('one measurement alone has no comparison', async () => {
  const [first] = await records();
  const html = renderRuns({ records: [first], by: 'ndcg@10' });
  elements(html);
  assert.doesNotMatch(html, /class="verdict"|name="a"|NaN|undefined/u);
});

test('labels say what differs, and nothing else', async () => {
  const [first, second] = await records();
  assert.deepEqual(labelRecords([first, second]), ['ef_search=10', 'ef_search=40']);
  assert.deepEqual(labelRecords([first, first]), ['hybrid', 'hybrid (2)']);
  const fixed = { kind: 'fixed', targetTokens: 300, overlapTokens: 50 };
  const other = { ...first, settings: { ...first.settings, chunker: fixed } };
  assert.deepEqual(labelRecords([first, other]), ['chunker=structure:400/50', 'chunker=fixed:300/50']);
});

test('a curve takes runs that differ in ef_search alone', async () => {
  const [first, second, third] = await records();
  const [curve, ...more] = efSearchCurves([third, first, second]);
  assert.deepEqual(more, []);
  assert.deepEqual(
    curve?.points.map(({ efSearch }) => efSearch),
    [10, 40, 80],
  );
  assert.deepEqual(efSearchCurves([first, { ...second, store: 'other' }]), []);
});
