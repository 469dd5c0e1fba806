/** Outputs that remember, contexts without a process, and the program as a child process. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { loadConfig } from '../../src/config.js';
import type { Context, ExitCode, Output } from '../../src/cli/context.js';
import { EXIT } from '../../src/cli/context.js';
import { showError } from '../../src/cli/errors.js';
import { createProgram } from '../../src/cli/program.js';
import { packageRoot } from '../../src/package-root.js';
import type { Source } from '../../src/ingest/types.js';
import type { Runtime } from '../../src/runtime-types.js';
import { sourceOf } from '../support/source.js';

export interface CapturedOutput extends Output {
  text(): string;
}

/** An output that keeps what is written to it. */
export function captureOutput(options: Partial<Omit<Output, 'stream'>> = {}): CapturedOutput {
  const { isTerminal = false, hasColour = false, columns = 80 } = options;
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  // The progress bar asks the stream itself.
  return {
    stream: Object.assign(stream, { isTTY: isTerminal }),
    isTerminal,
    hasColour,
    columns,
    text: () => text,
  };
}

export interface InProcess {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InProcessOptions {
  readonly runtime?: Runtime;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** Runs a command line in this process. A command that opens a runtime gets the one given, or fails. */
export async function runInProcess(
  args: readonly string[],
  options: InProcessOptions = {},
): Promise<InProcess> {
  const stdout = captureOutput();
  const stderr = captureOutput();
  const context: Context = {
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout,
    stderr,
    cwd: options.cwd ?? packageRoot,
    signal: new AbortController().signal,
    loadConfig: async (given) => loadConfig({ ...given }),
    openRuntime: async () => {
      if (options.runtime === undefined) throw new Error('No runtime was to be opened');
      return options.runtime;
    },
  };
  let code: ExitCode = EXIT.ok;
  try {
    const run = async (work: () => Promise<ExitCode>): Promise<void> => {
      code = await work();
    };
    await createProgram(context, run, '1.2.3').parseAsync(args, { from: 'user' });
  } catch (error) {
    code = showError(stderr, error, { json: args.includes('--json'), debug: false });
  }
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
  /** Resolves when standard error holds a match. @throws Error when the process ends without. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface ProcessOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program as a user starts it; only what says where model files are is taken from the environment. */
export function startProcess(args: readonly string[], { cwd, env = {} }: ProcessOptions): Running {
  const kept = ['PLUMBLINE_MODEL_DIR', 'PLUMBLINE_CACHE_DIR', 'PLUMBLINE_MODEL_HUB_URL'];
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('PLUMBLINE_') || kept.includes(name)),
  );
  const child = spawn(process.execPath, [join(packageRoot, 'bin', 'plumbline.js'), ...args], {
    cwd,
    env: { ...inherited, PLUMBLINE_LOG_LEVEL: 'warn', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A process that does not read its input closes it.
  child.stdin.on('error', () => undefined);
  let hasEnded = false;
  const finished = (async (): Promise<Finished> => {
    const [code] = (await once(child, 'close')) as [number | null];
    hasEnded = true;
    return { code, stdout, stderr };
  })();
  return {
    child,
    finished,
    async said(pattern) {
      for (;;) {
        const match = pattern.exec(stderr);
        if (match !== null) return match;
        if (hasEnded) throw new Error(`The process ended without saying ${String(pattern)}: ${stderr}`);
        await Promise.race([once(child.stderr, 'data'), finished]);
      }
    },
  };
}

/** The program from its start to its end, given that input. */
export async function runProcess(
  args: readonly string[],
  options: ProcessOptions & { readonly stdin?: string },
): Promise<Finished> {
  const { child, finished } = startProcess(args, options);
  child.stdin.end(options.stdin ?? '');
  return finished;
}

/** One JSON value a line. */
export function jsonLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A document for each word, of one sentence about it. */
export function sentencesOf(words: readonly string[]): Source {
  return sourceOf(
    words.map((id) => ({
      id,
      format: 'text',
      content: `The ${id} turns by day and by night.`,
      metadata: {},
    })),
  );
}
