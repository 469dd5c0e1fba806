/** A measurement as JUnit XML, the form in which build servers show tests. */
import type { EvalRecord } from './record.js';
import { METRICS } from './measures.js';
import type { Outcome } from './thresholds.js';

/**
 * Two suites: the thresholds, which fail, and the questions, which only tell. A question that could
 * not be asked is shown as skipped.
 */
export function renderJUnit(record: EvalRecord, outcomes: readonly Outcome[]): string {
  const name = `${record.data_set.name} ${record.data_set.split}`;
  const failures = outcomes.filter(({ isMet }) => !isMet).length;
  const skipped = record.per_query.filter(({ failed }) => failed !== undefined).length;
  const tests = outcomes.length + record.per_query.length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${attributes({ name: 'plumbline eval', tests, failures, errors: 0 })}>`,
    `  <testsuite ${attributes({
      name: `${name}: thresholds`,
      tests: outcomes.length,
      failures,
      errors: 0,
      skipped: 0,
      timestamp: record.started_at.slice(0, 19),
    })}>`,
    ...outcomes.map(thresholdCase),
    '  </testsuite>',
    `  <testsuite ${attributes({
      name: `${name}: questions`,
      tests: record.per_query.length,
      failures: 0,
      errors: 0,
      skipped,
      timestamp: record.started_at.slice(0, 19),
    })}>`,
    ...record.per_query.map(questionCase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function thresholdCase({ metric, least, value, isMet }: Outcome): string {
  const name = `${metric} is at least ${String(least)}`;
  const open = `    <testcase ${attributes({ classname: 'thresholds', name })}`;
  if (isMet) return `${open}/>`;
  const message = `${metric} is ${value.toFixed(4)}, below ${String(least)}`;
  return `${open}><failure ${attributes({ message, type: 'threshold' })}/></testcase>`;
}

function questionCase(query: EvalRecord['per_query'][number]): string {
  const time = ((query.took_ms?.wall ?? 0) / 1000).toFixed(6);
  const open = `    <testcase ${attributes({ classname: 'questions', name: query.id, time })}>`;
  const measures = METRICS.map((metric) => `${metric} ${query.metrics[metric].toFixed(4)}`).join(', ');
  const skipped = query.failed === undefined ? '' : `<skipped ${attributes({ message: query.failed })}/>`;
  return `${open}${skipped}<system-out>${escapeXml(measures)}</system-out></testcase>`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(String(value))}"`)
    .join(' ');
}

/** XML 1.0 has no way to write most control characters: they become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"'\t\n\r]/gu, (character) => `&#${String(character.codePointAt(0))};`);
}
