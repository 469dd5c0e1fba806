/** What is done with a measurement when it is there: kept, held to thresholds, told to a build server. */
import { writeFile } from 'node:fs/promises';
import { renderJUnit } from './junit.js';
import { writing } from './outputs.js';
import type { EvalRecord } from './record.js';
import { keepRun } from './runs.js';
import { checkThresholds, type Threshold } from './thresholds.js';

export interface FinishOptions {
  /** Folder to keep the record in. */
  readonly runsPath?: string;
  readonly junitPath?: string;
  readonly thresholds: readonly Threshold[];
  readonly output: (line: string) => void;
}

/** Answers whether every threshold is met. */
export async function finishRun(record: EvalRecord, options: FinishOptions): Promise<boolean> {
  const { runsPath, junitPath, thresholds, output } = options;
  if (runsPath !== undefined) await keep(runsPath, record, output);
  const outcomes = checkThresholds(record, thresholds);
  if (junitPath !== undefined) {
    await writing(junitPath, writeFile(junitPath, renderJUnit(record, outcomes)));
  }
  for (const [at, { metric, least, value, isMet }] of outcomes.entries()) {
    if (at === 0) output('');
    const sign = isMet ? 'reached' : 'below';
    output(`${sign}: ${metric} is ${value.toFixed(4)}, wanted is ${String(least)}`);
  }
  return outcomes.every(({ isMet }) => isMet);
}

/** Keeps a record, and says where. */
export async function keep(
  folder: string,
  record: EvalRecord,
  output: (line: string) => void,
): Promise<void> {
  let path = folder;
  const work = async (): Promise<void> => {
    path = await keepRun(folder, record);
  };
  await writing(folder, work());
  output(`kept in ${path}`);
}
