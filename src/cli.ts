/** The command line's entry: the process' streams and signals, made into a context for commands. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WriteStream } from 'node:tty';
import { setMaxListeners } from 'node:events';
import type { Context, ExitCode, Output, Run } from './cli/context.js';
import { EXIT, printLine } from './cli/context.js';
import { showError } from './cli/errors.js';
import { createProgram } from './cli/program.js';
import { packageRoot } from './package-root.js';

const DEFAULT_COLUMNS = 80;

/** Runs the process' own arguments, and sets its exit code. */
export async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const stderr = outputOf(process.stderr);
  const controller = new AbortController();
  abortOnSignal(controller);
  abortOnBrokenOutput(controller, stderr);
  const context: Context = {
    stdin: process.stdin,
    stdout: outputOf(process.stdout),
    stderr,
    cwd: process.cwd(),
    signal: controller.signal,
    loadConfig: async (given) => (await import('./config.js')).loadConfig(undefined, given),
    openRuntime: async (config) => {
      const { openRuntime } = await import('./runtime.js');
      return openRuntime(config, {
        onNotice: (message) => {
          printLine(stderr, message);
        },
      });
    },
  };
  let exitCode: ExitCode = EXIT.ok;
  const run: Run = async (work) => {
    exitCode = await work();
  };
  try {
    await createProgram(context, run, await readVersion()).parseAsync(args, { from: 'user' });
  } catch (error) {
    exitCode = showError(stderr, error, {
      json: beforeOperands(args).includes('--json'),
      debug: await isDebugging(context),
    });
  }
  // Output that could not be written has set it already.
  process.exitCode ??= exitCode;
}

function outputOf(stream: NodeJS.WriteStream): Output {
  const terminal = stream instanceof WriteStream ? stream : null;
  return {
    stream,
    isTerminal: terminal !== null,
    // Node looks at NO_COLOR and TERM itself.
    hasColour: terminal?.hasColors() ?? false,
    get columns() {
      return terminal?.columns ?? DEFAULT_COLUMNS;
    },
  };
}

/** The first signal aborts; a second one ends the process at once, as it would without us. */
function abortOnSignal(controller: AbortController): void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const abort = (): void => {
    for (const signal of signals) process.removeListener(signal, abort);
    controller.abort();
  };
  for (const signal of signals) process.on(signal, abort);
  // Every call that may be cancelled listens while it runs, and there are many at once.
  setMaxListeners(0, controller.signal);
}

/** `plumbline … | head` has read enough; any other reason not to be written is a failure. */
function abortOnBrokenOutput(controller: AbortController, stderr: Output): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code }: NodeJS.ErrnoException) => {
      controller.abort();
      // Each write that follows fails too, and is not told again.
      if (code === 'EPIPE' || process.exitCode === EXIT.backend) return;
      process.exitCode = EXIT.backend;
      printLine(stderr, `error: The output cannot be written (${code ?? 'for an unknown reason'})`);
    });
  }
}

/** What stands behind `--` is never an option. */
function beforeOperands(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end < 0 ? args : args.slice(0, end);
}

async function readVersion(): Promise<string> {
  const text = await readFile(join(packageRoot, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}

/** Whether stack traces are wanted; not when the settings themselves are what is wrong. */
async function isDebugging(context: Context): Promise<boolean> {
  try {
    const { server } = await context.loadConfig();
    return server.logLevel === 'debug' || server.logLevel === 'trace';
  } catch {
    return false;
  }
}
