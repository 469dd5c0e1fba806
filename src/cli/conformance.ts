/** What `plumbline conformance` does. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { allChecks } from '../conformance/checks.js';
import { describeServer, explainSample, recordOf } from '../conformance/record.js';
import { runChecks } from '../conformance/run.js';
import type { CheckResult } from '../conformance/run.js';
import { RetrievalError, hasCode } from '../errors.js';
import type { QueryPlans } from '../stores/inspection.js';
import type { ConformanceCommandOptions } from './commands/conformance.js';
import { EXIT, printLine, type Context, type ExitCode, type Output } from './context.js';
import { table } from './table.js';
import { count, duration, oneLine, paint } from './text.js';
import { toWire } from './wire.js';

const MEGABYTE = 1_048_576;

/**
 * Runs the contract on the store, shows how it went, and writes the record where one is wanted.
 * @throws RetrievalError what opening the store throws; `cancelled` once all that was made is removed
 */
export async function conformanceCommand(
  context: Context,
  options: ConformanceCommandOptions,
  version: string,
): Promise<ExitCode> {
  const { stdout, stderr, signal, cwd } = context;
  if (options.documentMb <= 0) {
    throw new RetrievalError('invalid_request', '--document-mb is more than 0', { field: 'document-mb' });
  }
  const file = options.json === undefined ? null : resolve(cwd, options.json);
  // Before the work, which takes minutes.
  if (file !== null) await assertWritable(dirname(file));
  const sizes = {
    filters: options.filters,
    collections: options.collections,
    documentBytes: Math.round(options.documentMb * MEGABYTE),
  };
  const config = await context.loadConfig(
    options.store === undefined ? {} : { PLUMBLINE_STORE_URL: options.store },
  );
  const { openBackend, loadReference } = await import('../diagnostics.js');
  const reference = await loadReference();
  const { store, inspector } = await openBackend(config);
  try {
    const server = toWire(describeServer(await inspector.inspect({ signal })));
    const prefix = `conformance-${randomBytes(5).toString('hex')}`;
    printLine(stderr, `Checking the ${store.kind} store, in collections that begin with ${prefix}-`);
    let plans: QueryPlans | null = null;
    const results = await runChecks(store, {
      groups: allChecks(sizes),
      reference,
      prefix,
      signal,
      onResult: createProgress(stderr),
      afterwards: async (scratch) => {
        plans = await explainSample(scratch, inspector, signal);
      },
    });
    if (file !== null) {
      const record = recordOf({ date: new Date(), plumbline: version, server, sizes, plans, results });
      await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
      printLine(stderr, `The record is in ${file}`);
    }
    showResults(stdout, results);
    return results.some(({ result }) => result === 'failed') ? EXIT.someFailed : EXIT.ok;
  } catch (error) {
    if (hasCode(error, 'cancelled')) printLine(stderr, 'Stopped. There is no record.');
    throw error;
  } finally {
    await inspector.close();
    await store.close();
  }
}

async function assertWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new RetrievalError(
      'invalid_request',
      `The folder ${folder} cannot be written to; name a file in another one`,
      { field: 'json', cause },
    );
  }
}

/** A line for each group as it is done, and one for each check that failed at once. */
function createProgress(output: Output): (result: CheckResult) => void {
  let shown: string | null = null;
  return ({ group, name, result, message }) => {
    if (group !== shown) printLine(output, paint(output, 'dim', `  ${group}`));
    shown = group;
    if (result === 'failed') {
      printLine(output, `${paint(output, 'red', 'failed')} ${name}: ${oneLine(message ?? '')}`);
    }
  };
}

function showResults(output: Output, results: readonly CheckResult[]): void {
  const groups = [...new Set(results.map(({ group }) => group))];
  const rows = groups.map((group) => {
    const own = results.filter((one) => one.group === group);
    const of = (wanted: CheckResult['result']): string =>
      count(own.filter(({ result }) => result === wanted).length);
    const spent = own.reduce((sum, { durationMs }) => sum + durationMs, 0);
    return [group, of('passed'), of('failed'), of('not_supported'), duration(spent)];
  });
  for (const line of table(['group', 'passed', 'failed', 'not supported', 'time'], rows)) {
    printLine(output, line);
  }
  const failed = results.filter(({ result }) => result === 'failed');
  printLine(output);
  for (const { group, name, message } of failed) {
    printLine(output, `${paint(output, 'red', 'failed')} ${group}: ${name}`);
    printLine(output, `  ${oneLine(message ?? '')}`);
  }
  const passed = results.filter(({ result }) => result === 'passed').length;
  printLine(
    output,
    failed.length === 0
      ? paint(output, 'green', `All ${count(passed)} checks that this store supports passed.`)
      : paint(output, 'red', `${count(failed.length)} of ${count(results.length)} checks failed.`),
  );
}
