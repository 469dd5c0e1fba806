import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { indexOf } from '../../src/cli/index-options.js';
import {
  decimal,
  fieldPair,
  filterJson,
  given,
  integer,
  metadataPair,
  recency,
} from '../../src/cli/options.js';
import { hasCode } from '../../src/errors.js';

function refuses(parse: (text: string) => unknown, ...texts: readonly string[]): void {
  for (const text of texts) assert.throws(() => parse(text), InvalidArgumentError, JSON.stringify(text));
}

test('integer: whole decimal numbers from the least one up', () => {
  const parse = integer(1);
  assert.deepEqual(['1', '007', '9007199254740991'].map(parse), [1, 7, Number.MAX_SAFE_INTEGER]);
  refuses(parse, '0', '-1', '1.5', '1e3', '0x10', ' 1', '', 'x', '9007199254740993');
  assert.equal(integer(0)('0'), 0);
});

test('decimal: any finite number', () => {
  assert.deepEqual(['0', '-0.5', '.25', '1e-3'].map(decimal), [0, -0.5, 0.25, 0.001]);
  refuses(decimal, '', ' ', 'x', '1,5', 'Infinity', 'NaN', '1e999');
});

test('metadata: NAME=VALUE is read as what it looks like, without losing a digit', () => {
  const valueOf = (raw: string): unknown => metadataPair(`name=${raw}`, {})['name'];
  const same = [
    'HR',
    '',
    ' x ',
    'a=b',
    'True',
    'null',
    '007',
    '1.10',
    '1e3',
    '+1',
    '.5',
    '5.',
    '-',
    '-0',
    '12a',
  ];
  for (const raw of [...same, '0x10', 'Infinity', '9007199254740993', '{"a":1}', '[1', '[leave]']) {
    assert.equal(valueOf(raw), raw);
  }
  assert.deepEqual(['true', 'false', '0', '42', '-1.5'].map(valueOf), [true, false, 0, 42, -1.5]);
  assert.deepEqual(valueOf('["a", 1]'), ['a', 1]);
});

test('metadata: NAME:=JSON is any JSON', () => {
  const valueOf = (raw: string): unknown => metadataPair(`name:=${raw}`, {})['name'];
  assert.deepEqual(['"42"', '1.10', 'null', '{"a": [1]}', ' true '].map(valueOf), [
    '42',
    1.1,
    null,
    { a: [1] },
    true,
  ]);
});

test('metadata: pairs add up, the last of a name wins, and names may hold colons', () => {
  const all = ['a=1', 'dc:title=x', 'a=2', '__proto__=y', 'b:=[]'].reduce(
    (sum, pair) => metadataPair(pair, sum),
    {},
  );
  assert.deepEqual(Object.entries(all), [
    ['a', 2],
    ['dc:title', 'x'],
    ['__proto__', 'y'],
    ['b', []],
  ]);
});

test('metadata: what is no pair is refused', () => {
  refuses(
    (text) => metadataPair(text, {}),
    'name',
    '=value',
    ':=1',
    '',
    'name:=',
    'name:=HR',
    'name:={a: 1}',
  );
});

test('fields: NAME:TYPE; the name may hold colons', () => {
  const fields = ['dept:keyword', 'dc:date:date', 'tags:keyword[]', '__proto__:number'].reduce(
    (sum, pair) => fieldPair(pair, sum),
    fieldPair('year:number'),
  );
  assert.deepEqual(Object.entries(fields), [
    ['year', 'number'],
    ['dept', 'keyword'],
    ['dc:date', 'date'],
    ['tags', 'keyword[]'],
    ['__proto__', 'number'],
  ]);
  refuses(
    (text) => fieldPair(text),
    'dept',
    ':keyword',
    'dept:',
    'dept:text',
    'dept:toString',
    'dept:Keyword',
    '',
  );
});

test('recency: FIELD:HALF_LIFE_DAYS:WEIGHT; the name may hold colons', () => {
  assert.deepEqual(recency('modified_at:30:0.3'), { field: 'modified_at', half_life_days: 30, weight: 0.3 });
  assert.deepEqual(recency('dc:date:0.5:1'), { field: 'dc:date', half_life_days: 0.5, weight: 1 });
  refuses(
    recency,
    '',
    'modified_at',
    'modified_at:30',
    ':30:0.3',
    'modified_at::0.3',
    'modified_at:30:',
    'a:b:0.3',
  );
});

test('a filter is a JSON object; what was typed is not repeated', () => {
  assert.deepEqual(filterJson('{"dept": {"$in": ["HR"]}}'), { dept: { $in: ['HR'] } });
  for (const text of ['', '{dept: "secret"}', '["secret"]', '"secret"', 'null', '5', '{"dept": "secret"']) {
    assert.throws(
      () => filterJson(text),
      (error) =>
        hasCode(error, 'invalid_filter') && error.field === 'filter' && !error.message.includes('secret'),
    );
  }
});

test('only what is given is a member', () => {
  const members = given({ a: 0, b: undefined, c: false, d: null, e: '' });
  assert.deepEqual(Object.keys(members), ['a', 'c', 'd', 'e']);
});

test('an index has the settings of its kind only', () => {
  assert.equal(indexOf({}), undefined);
  assert.deepEqual(indexOf({ index: 'none' }), { kind: 'none' });
  assert.deepEqual(indexOf({ hnswM: 8 }), { kind: 'hnsw', m: 8, buildAfter: 20_000 });
  assert.deepEqual(indexOf({ index: 'hnsw', buildAfter: 0 }), {
    kind: 'hnsw',
    m: 16,
    buildAfter: 0,
  });
  assert.deepEqual(indexOf({ hnswEfConstruction: 64 }), {
    kind: 'hnsw',
    m: 16,
    efConstruction: 64,
    buildAfter: 20_000,
  });
  assert.deepEqual(indexOf({ index: 'ivfflat' }), { kind: 'ivfflat', lists: 'auto', buildAfter: 20_000 });
  assert.deepEqual(indexOf({ index: 'ivfflat', ivfflatLists: 9, buildAfter: 5 }), {
    kind: 'ivfflat',
    lists: 9,
    buildAfter: 5,
  });
  const partitions = { field: 'dept', count: 8 } as const;
  assert.deepEqual(indexOf({ partitionField: 'dept', partitionCount: 8 }), {
    kind: 'hnsw',
    m: 16,
    buildAfter: 20_000,
    partitions,
  });
  assert.deepEqual(
    indexOf({
      index: 'hnsw',
      partitionField: 'day',
      partitionCount: 12,
      partitionBy: 'month',
      buildAfter: 9,
    }),
    { kind: 'hnsw', m: 16, buildAfter: 9, partitions: { field: 'day', count: 12, by: 'month' } },
  );
  const contradictions = [
    { index: 'ivfflat', partitionField: 'dept', partitionCount: 8 },
    { index: 'none', partitionField: 'dept', partitionCount: 8 },
    { partitionField: 'dept' },
    { partitionCount: 8 },
    { partitionBy: 'month' },
    { ivfflatLists: 9 },
    { buildAfter: 5 },
    { index: 'ivfflat', hnswM: 8 },
    { index: 'none', hnswEfConstruction: 8 },
    { index: 'none', buildAfter: 5 },
  ] as const;
  for (const options of contradictions) {
    assert.throws(
      () => indexOf(options),
      (error) => hasCode(error, 'invalid_request') && error.field === 'index',
      JSON.stringify(options),
    );
  }
});
