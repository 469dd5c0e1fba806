/** What `plumbline doctor` does. */
import { examine } from '../doctor/examine.js';
import { problem } from '../doctor/types.js';
import type { Finding } from '../doctor/types.js';
import { hasCode } from '../errors.js';
import type { DoctorCommandOptions } from './commands/doctor.js';
import { EXIT, printJson, printLine, type Context, type ExitCode, type Output } from './context.js';
import { oneLine, paint, type Style } from './text.js';

/** @throws RetrievalError `cancelled` */
export async function doctorCommand(context: Context, options: DoctorCommandOptions): Promise<ExitCode> {
  const { stdout } = context;
  const findings = await findingsOf(context, options);
  const problems = findings.filter(({ level }) => level === 'problem').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  if (options.json === true) printJson(stdout, { problems, warnings, findings });
  else show(stdout, findings, problems, warnings);
  return problems > 0 ? EXIT.someFailed : EXIT.ok;
}

async function findingsOf(
  context: Context,
  { store, bedrock }: DoctorCommandOptions,
): Promise<readonly Finding[]> {
  const { createInstruments, probeEmbedders } = await import('../diagnostics.js');
  try {
    const config = await context.loadConfig(store === undefined ? {} : { PLUMBLINE_STORE_URL: store });
    const { signal } = context;
    const findings = await examine(createInstruments(config), { signal });
    return bedrock === true ? [...findings, ...(await probeEmbedders(config, { signal }))] : findings;
  } catch (error) {
    if (!hasCode(error, 'invalid_config')) throw error;
    return [problem('configuration', error.message, 'Correct the variables that the message names.')];
  }
}

const STYLES = { ok: 'green', warning: 'yellow', problem: 'red' } as const satisfies Record<
  Finding['level'],
  Style
>;

function show(output: Output, findings: readonly Finding[], problems: number, warnings: number): void {
  for (const { area, level, what, advice } of findings) {
    const mark = paint(output, STYLES[level], level.padEnd(7));
    printLine(output, `${mark}  ${paint(output, 'bold', oneLine(area))}: ${oneLine(what)}`);
    if (advice !== null) printLine(output, `         ${oneLine(advice)}`);
  }
  printLine(output);
  printLine(output, `Problems: ${String(problems)}, warnings: ${String(warnings)}`);
}
