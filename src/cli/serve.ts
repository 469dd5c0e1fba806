/** What `plumbline serve` does. */
import { startServer, type RunningServer } from '../api/server.js';
import { RetrievalError, throwIfCancelled } from '../errors.js';
import type { PrepareGate } from '../generations/gate.js';
import type { Runtime } from '../runtime-types.js';
import type { ServeCommandOptions } from './commands/serve.js';
import { EXIT, printLine, type Context, type ExitCode } from './context.js';
import { given } from './options.js';

const MAX_PORT = 65_535;

/**
 * Serves until it is told to stop.
 * @throws RetrievalError `model_mismatch` when a collection was made with another model than there is
 *   now; `invalid_config` when the address may not or cannot be bound; what opening the store throws.
 */
export async function serveCommand(
  context: Context,
  options: ServeCommandOptions,
  version: string,
): Promise<ExitCode> {
  if (options.port !== undefined && options.port > MAX_PORT) {
    throw new RetrievalError('invalid_request', `--port is at most ${String(MAX_PORT)}`, { field: 'port' });
  }
  const config = await context.loadConfig();
  const server = { ...config.server, ...given({ host: options.host, port: options.port }) };
  const runtime = await context.openRuntime(config);
  const running = await start(context, runtime, server, version);
  printLine(
    context.stderr,
    `Plumbline listens on ${running.url} (reference of the API: ${running.url}/docs)`,
  );
  await running.closed;
  return EXIT.ok;
}

/** Loads the evaluation when the first gate is asked for. */
const prepareGate: PrepareGate = async (runtime, options) => {
  const evaluation = await import('../../eval/gate/gate.js');
  return evaluation.prepareGate(runtime, options);
};

async function start(
  context: Context,
  runtime: Runtime,
  config: Parameters<typeof startServer>[0]['config'],
  version: string,
): Promise<RunningServer> {
  try {
    await runtime.checkPins({ signal: context.signal });
    throwIfCancelled(context.signal);
  } catch (error) {
    await runtime.close();
    throw error;
  }
  // From here on the runtime is the server's, and so are the signals.
  return startServer({ runtime, config, version, prepareGate });
}
