/** What every command works with: the terminal, the working folder, the runtime. */
import type { Readable, Writable } from 'node:stream';
import type { Config } from '../config.js';
import type { Runtime } from '../runtime-types.js';

/** One of the two output streams. */
export interface Output {
  readonly stream: Writable;
  readonly isTerminal: boolean;
  /** Whether to colour; false where NO_COLOR is set or the terminal has none. */
  readonly hasColour: boolean;
  /** Characters that a line has room for. */
  readonly columns: number;
}

export interface Context {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly cwd: string;
  /** Aborted on Ctrl-C, on SIGTERM, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** @param given variables to take in place of the environment's */
  loadConfig(given?: Readonly<Record<string, string>>): Promise<Config>;
  openRuntime(config: Config): Promise<Runtime>;
}

/** A command's answer to the shell. */
export const EXIT = {
  ok: 0,
  /** Some documents failed; all others are done. */
  someFailed: 1,
  /** What was asked cannot be done so: usage, or the caller's mistake. */
  caller: 2,
  /** The service or something behind it failed. */
  backend: 3,
  /** Measured, but below what --fail-under wants. */
  belowThreshold: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command as commander's actions run it; what it answers becomes the exit code. */
export type Run = (work: () => Promise<ExitCode>) => Promise<void>;

export function printLine(output: Output, line = ''): void {
  output.stream.write(`${line}\n`);
}

/** One JSON value on one line. */
export function printJson(output: Output, value: unknown): void {
  printLine(output, JSON.stringify(value));
}

/** Opens the runtime for `work`, and closes it whatever happens. */
export async function withRuntime<T>(context: Context, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await context.openRuntime(await context.loadConfig());
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}
