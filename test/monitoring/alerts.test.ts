import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.js';
import { RULES_FILE, readRules } from './rules.js';
import { openWatched } from './support.js';

const run = promisify(execFile);

test('every metric of an alert rule is one of /metrics', async (t) => {
  const service = await openWatched(t);
  const { body } = await service.app.fastify.inject('/metrics');
  const known = new Set(
    [...body.matchAll(/^# TYPE (\w+) (\w+)$/gmu)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
  for (const { alert, expr } of readRules()) {
    const named = expr.match(/\bplumbline_\w+/gu) ?? [];
    assert.ok(named.length > 0, alert);
    for (const name of named) assert.ok(known.has(name), `${alert}: there is no ${name}`);
  }
});

test('brackets and quotes of every expression are in order', () => {
  for (const { alert, expr } of readRules()) {
    const open: string[] = [];
    for (const sign of expr.replaceAll(/"[^"]*"/gu, '')) {
      if ('([{'.includes(sign)) open.push(sign);
      else if (')]}'.includes(sign))
        assert.equal('([{'.indexOf(open.pop() ?? ' '), ')]}'.indexOf(sign), alert);
      else assert.notEqual(sign, '"', alert);
    }
    assert.deepEqual(open, [], alert);
  }
});

test('names, and what is to be watched', () => {
  const names = readRules().map(({ alert }) => alert);
  assert.equal(new Set(names).size, names.length);
  for (const what of ['Recall', 'Drift', 'Empty', 'Slow', 'Errors', 'Canary', 'Build']) {
    assert.ok(
      names.some((name) => name.includes(what)),
      what,
    );
  }
});

test('promtool accepts the rules, and they fire when they should', async (t) => {
  try {
    await run('promtool', ['check', 'rules', RULES_FILE]);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'ENOENT') throw error;
    t.skip('promtool is not installed');
    return;
  }
  await run('promtool', ['test', 'rules', join(packageRoot, 'test/monitoring/prometheus-rules.test.yaml')]);
});
