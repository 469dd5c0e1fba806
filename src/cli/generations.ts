/** What `plumbline reembed`, `generations`, `activate`, `rollback`, `gc` and `history` do. */
import { userInfo } from 'node:os';
import { fromGeneration } from '../api/generation-wire.js';
import { RetrievalError, hasCode } from '../errors.js';
import type { Author, GenerationDescription, NewGeneration } from '../generations/types.js';
import type { Runtime } from '../runtime-types.js';
import { chunkerOf } from './chunker-options.js';
import type {
  ActivateOptions,
  AuthorOptions,
  GarbageOptions,
  ReembedOptions,
  RollbackOptions,
} from './commands/generations.js';
import {
  EXIT,
  printJson,
  printLine,
  withRuntime,
  type Context,
  type ExitCode,
  type Output,
} from './context.js';
import { indexOf } from './index-options.js';
import { given } from './options.js';
import { createProgressView } from './progress.js';
import { table } from './table.js';
import { count, duration, oneLine, paint, plural } from './text.js';
import { toWire } from './wire.js';

/** @throws RetrievalError `invalid_request` for settings of a generation that exists. */
export function reembedCommand(context: Context, name: string, options: ReembedOptions): Promise<ExitCode> {
  const { stdout, stderr, signal } = context;
  const author = authorOf(options);
  const input = newGeneration(options);
  return withRuntime(context, async (runtime) => {
    const target = await targetOf(runtime, name, input, options, author, signal);
    const progress = createProgressView(stderr);
    let summary;
    try {
      summary = await runtime.generations.build(name, target.id, author, {
        signal,
        onProgress: (now) => {
          progress.update({ ...now, stage: 'ingest', failed: 0 });
        },
      });
    } finally {
      progress.stop();
    }
    const [built] = (await runtime.generations.list(name, { signal })).filter(({ id }) => id === target.id);
    if (options.json === true) {
      printJson(
        stdout,
        toWire({ ...summary, generation: built === undefined ? null : fromGeneration(built, null) }),
      );
      return EXIT.ok;
    }
    printLine(
      stdout,
      `Generation ${String(target.id)} of "${name}" holds ${plural(built?.documents ?? 0, 'document')} in ${plural(built?.chunks ?? 0, 'chunk')}; ${plural(summary.embedded, 'text')} embedded, ${count(summary.reused)} taken over, in ${duration(summary.elapsedMs)}.`,
    );
    printLine(stdout, `Next: plumbline gate ${name} --generation ${String(target.id)}`);
    return EXIT.ok;
  });
}

export function listCommand(context: Context, name: string, json: boolean): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const all = await runtime.generations.list(name, { signal });
    if (json) {
      printJson(stdout, { generations: all.map((generation) => fromGeneration(generation, null)) });
      return EXIT.ok;
    }
    const rows = all.map((generation) => [
      String(generation.id),
      generation.state,
      generation.modelVersion,
      count(generation.documents),
      count(generation.chunks),
      count(generation.missing),
      gateText(generation),
      generation.changedAt.slice(0, 19).replace('T', ' '),
    ]);
    const head = ['generation', 'state', 'model', 'documents', 'chunks', 'missing', 'gate', 'since'];
    for (const line of table(head, rows)) printLine(stdout, line);
    return EXIT.ok;
  });
}

/** @throws RetrievalError `invalid_request` for force without a reason. */
export function activateCommand(context: Context, name: string, options: ActivateOptions): Promise<ExitCode> {
  const { stdout, signal } = context;
  const force = options.force === true;
  if (force && options.reason === undefined) {
    throw new RetrievalError('invalid_request', '--force needs a --reason, which the history keeps', {
      field: 'reason',
    });
  }
  return withRuntime(context, async (runtime) => {
    const active = await runtime.generations.activate(
      name,
      options.generation,
      { ...authorOf(options), force },
      { signal },
    );
    showActive(stdout, name, active, options.json === true);
    return EXIT.ok;
  });
}

export function rollbackCommand(context: Context, name: string, options: RollbackOptions): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const active = await runtime.generations.rollback(name, authorOf(options), { signal });
    showActive(stdout, name, active, options.json === true);
    return EXIT.ok;
  });
}

export function garbageCommand(context: Context, name: string, options: GarbageOptions): Promise<ExitCode> {
  const { stdout, signal } = context;
  const author = authorOf(options);
  return withRuntime(context, async ({ generations }) => {
    let gone: readonly number[];
    if (options.generation === undefined) {
      gone = await generations.collectGarbage(name, options.days, author, { signal });
    } else {
      await generations.drop(name, options.generation, author, { signal });
      gone = [options.generation];
    }
    printLine(
      stdout,
      gone.length === 0
        ? `Nothing to drop: no generation of "${name}" was retired ${String(options.days)} days ago or more.`
        : `Dropped ${gone.length === 1 ? 'generation' : 'generations'} ${gone.join(', ')} of "${name}".`,
    );
    return EXIT.ok;
  });
}

export function historyCommand(
  context: Context,
  name: string,
  options: { readonly limit: number; readonly json?: true },
): Promise<ExitCode> {
  const { stdout, signal } = context;
  return withRuntime(context, async (runtime) => {
    const entries = await runtime.generations.history(name, { limit: options.limit }, { signal });
    if (options.json === true) {
      printJson(stdout, { history: entries });
      return EXIT.ok;
    }
    if (entries.length === 0) printLine(stdout, `Nothing of collection "${name}" has been changed yet.`);
    for (const { at, event, by, details } of entries) {
      const parts = Object.entries(details).flatMap(([key, value]) =>
        value === null || typeof value === 'object' ? [] : [`${key} ${oneLine(value.toString())}`],
      );
      printLine(
        stdout,
        `${at.slice(0, 19).replace('T', ' ')}  ${paint(stdout, 'bold', event)}  by ${oneLine(by)}  ${parts.join(', ')}`,
      );
    }
    return EXIT.ok;
  });
}

/** Who is at the keyboard, unless it is said. */
export function authorOf(options: AuthorOptions): Author {
  return { by: options.by ?? systemUser(), ...given({ reason: options.reason }) };
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return 'cli';
  }
}

function newGeneration(options: ReembedOptions): NewGeneration {
  const chunker = chunkerOf(options);
  return given({
    embedder: options.embedder,
    index: indexOf(options),
    chunker: Object.keys(chunker).length === 0 ? undefined : chunker,
  });
}

/** The generation to build: the one named, one that was begun like this, or a new one. */
async function targetOf(
  runtime: Runtime,
  name: string,
  input: NewGeneration,
  options: ReembedOptions,
  author: Author,
  signal: AbortSignal,
): Promise<{ readonly id: number }> {
  if (options.generation !== undefined) {
    if (Object.keys(input).length > 0) {
      throw new RetrievalError(
        'invalid_request',
        '--generation goes on with one that exists; its model, chunker and index are settled',
        { field: 'generation' },
      );
    }
    return { id: options.generation };
  }
  try {
    return await runtime.generations.start(name, input, author, { signal });
  } catch (error) {
    if (!hasCode(error, 'generation_conflict')) throw error;
    const building = (await runtime.generations.list(name, { signal })).find(
      ({ state }) => state === 'building',
    );
    // The same wish again is how a build that was stopped goes on.
    if (building === undefined) throw error;
    if (!isWishOf(input, building)) throw error;
    return building;
  }
}

/** What is not said is not another wish. */
function isWishOf({ embedder, chunker, index }: NewGeneration, made: GenerationDescription): boolean {
  return (
    (embedder === undefined || embedder === made.embedder) &&
    (chunker === undefined || holds(made.chunker, chunker)) &&
    (index === undefined || holds(made.index, index))
  );
}

function holds(made: object, wish: object): boolean {
  return Object.entries(wish).every(([name, value]: [string, unknown]) => {
    const has: unknown = Reflect.get(made, name);
    // Settings in a setting, such as an index's partitions.
    const isNested = typeof value === 'object' && value !== null && typeof has === 'object' && has !== null;
    return isNested ? holds(has, value) : has === value;
  });
}

function gateText({ gate }: GenerationDescription): string {
  if (gate === null) return '-';
  return `${gate.passed ? 'passed' : 'failed'} against ${String(gate.against)}`;
}

function showActive(output: Output, name: string, active: GenerationDescription, json: boolean): void {
  if (json) printJson(output, fromGeneration(active, null));
  else {
    printLine(
      output,
      `Generation ${String(active.id)} (${active.modelVersion}, ${plural(active.documents, 'document')}) of "${name}" answers now.`,
    );
  }
}
