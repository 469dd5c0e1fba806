/** How an error is shown, and what it makes of the exit code. */
import { CommanderError } from 'commander';
import { ERRORS, RetrievalError, type ErrorCode } from '../errors.js';
import { EXIT, printJson, printLine, type ExitCode, type Output } from './context.js';
import { oneLine, paint } from './text.js';
import { toWire } from './wire.js';

/** What to do next, where the message cannot know that it is read in a shell. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  data_folder_in_use:
    'Is "plumbline serve" running? Ask it over its REST API, or stop it first. Two processes can share a PostgreSQL: set PLUMBLINE_STORE_URL=postgresql://…',
  collection_not_found: 'See what there is: plumbline collections list',
  document_not_found: 'See what there is: plumbline documents list COLLECTION',
  collection_exists: 'Choose another name, or: plumbline collections delete NAME --yes',
  model_mismatch: "See the collection's model: plumbline collections describe NAME",
  model_unavailable:
    'Local models are fetched once and then cached; offline, put the files in a folder and set PLUMBLINE_MODEL_DIR',
  store_unavailable: 'Is PLUMBLINE_STORE_URL right, and its server up?',
  unknown_field: 'See the fields: plumbline collections describe NAME',
};

export interface ShowOptions {
  /** Print RFC 9457 problem JSON instead of text. */
  readonly json: boolean;
  /** Print the stack trace too. */
  readonly debug: boolean;
}

/** Shows what a command threw, and answers its exit code. */
export function showError(output: Output, error: unknown, options: ShowOptions): ExitCode {
  if (error instanceof CommanderError) return showUsageError(output, error, options);
  const known = error instanceof RetrievalError ? error : unexpected(error);
  if (known.code === 'cancelled') return EXIT.interrupted;
  if (options.json) printJson(output, problem(known));
  else {
    printLine(output, `${paint(output, 'red', 'error:')} ${oneLine(known.message)}`);
    printLine(output, paint(output, 'dim', `  code: ${known.code}`));
    if (known.field !== undefined)
      printLine(output, paint(output, 'dim', `  field: ${oneLine(known.field)}`));
    const hint = HINTS[known.code];
    if (hint !== undefined) printLine(output, `  ${hint}`);
  }
  if (options.debug) printLine(output, stackOf(error));
  return ERRORS[known.code].fault === 'caller' ? EXIT.caller : EXIT.backend;
}

function showUsageError(output: Output, error: CommanderError, options: ShowOptions): ExitCode {
  // Help and version were asked for and are printed; help printed for want of a command is not.
  if (error.exitCode === 0) return EXIT.ok;
  if (error.code.startsWith('commander.help')) return EXIT.caller;
  const message = error.message.replace(/^error: /u, '');
  if (options.json) printJson(output, problem(new RetrievalError('invalid_request', message)));
  else {
    printLine(output, `${paint(output, 'red', 'error:')} ${message}`);
    printLine(output, paint(output, 'dim', '  See --help, also of a command: plumbline COMMAND --help'));
  }
  return EXIT.caller;
}

/** The error as the REST API answers it. */
function problem(error: RetrievalError): Readonly<Record<string, unknown>> {
  const { status, title } = ERRORS[error.code];
  return {
    type: `urn:plumbline:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(error.field === undefined ? {} : { field: error.field }),
    retryable: error.retryable,
    ...(Object.keys(error.details).length === 0 ? {} : { details: toWire(error.details) }),
  };
}

/** A foreign error's message may quote what must not be shown; the debug level shows it all the same. */
function unexpected(error: unknown): RetrievalError {
  const name = error instanceof Error ? error.name : typeof error;
  return new RetrievalError(
    'internal',
    `Something went wrong that was not foreseen (${name}). Run it again with PLUMBLINE_LOG_LEVEL=debug, and please report it`,
    { cause: error },
  );
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`;
}
