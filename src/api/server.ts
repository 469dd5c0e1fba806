/** The app on a socket, from listening to the last answer. */
import type { AddressInfo } from 'node:net';
import type { Config } from '../config.js';
import { RetrievalError, systemCode } from '../errors.js';
import type { PrepareGate } from '../generations/gate.js';
import type { Runtime } from '../runtime-types.js';
import { createApp } from './app.js';
import type { LogSink } from './log.js';
import { bindAddress } from './loopback.js';

export interface ServerOptions {
  readonly runtime: Runtime;
  readonly config: Config['server'];
  readonly version: string;
  readonly logSink?: LogSink;
  readonly prepareGate?: PrepareGate;
  /** SIGTERM and SIGINT close the server; a second one ends the process at once. Default true. */
  readonly handleSignals?: boolean;
}

export interface RunningServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /**
   * Takes nothing new, lets running requests finish for at most `drainTimeoutMs`, stops what then
   * still runs, and closes the runtime.
   */
  close(): Promise<void>;
  /** Settles when the server has closed, whoever asked for it. */
  readonly closed: Promise<void>;
}

/** How long requests that were stopped may take to say so. */
const ABORT_GRACE_MS = 1000;

/**
 * Binds and serves. The runtime is the server's from here on: closed with it, and closed when it
 * cannot be started.
 * @throws RetrievalError `invalid_config` when the address may not or cannot be bound
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { runtime, config } = options;
  try {
    const host = await bindAddress(config);
    return await listen(options, host);
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

async function listen(options: ServerOptions, host: string): Promise<RunningServer> {
  const { runtime, config } = options;
  const app = await createApp(options);
  const { fastify } = app;
  try {
    await fastify.listen({ host, port: config.port });
  } catch (error) {
    await fastify.close();
    throw new RetrievalError(
      'invalid_config',
      `Port ${String(config.port)} of ${host} cannot be bound (${systemCode(error) ?? 'for an unknown reason'}). Choose another with PLUMBLINE_HOST and PLUMBLINE_PORT`,
      { field: 'PLUMBLINE_PORT', cause: error },
    );
  }

  const drain = async (): Promise<void> => {
    app.drain();
    fastify.log.info({ drain_timeout_ms: config.drainTimeoutMs }, 'draining');
    // Stops listening and closes idle connections at once; resolves when the last one has gone.
    const closed = fastify.close();
    if (!(await within(closed, config.drainTimeoutMs))) {
      fastify.log.warn('requests still running were stopped');
      app.abortAll();
      if (!(await within(closed, ABORT_GRACE_MS))) fastify.server.closeAllConnections();
      await closed;
    }
    await runtime.close();
    fastify.log.info('closed');
  };

  let begin: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const closed = asked.then(drain);
  // Whoever does not look at `closed` is not to be killed by it.
  closed.catch(() => undefined);
  const removeListeners = options.handleSignals === false ? () => undefined : onSignal(() => void close());
  const close = (): Promise<void> => {
    removeListeners();
    begin();
    return closed;
  };
  return { url: urlOf(fastify.server.address()), close, closed };
}

function onSignal(listener: () => void): () => void {
  const signals = ['SIGTERM', 'SIGINT'] as const;
  for (const signal of signals) process.once(signal, listener);
  return () => {
    for (const signal of signals) process.removeListener(signal, listener);
  };
}

/** Whether `work` settles within that time. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function urlOf(address: AddressInfo | string | null): string {
  if (typeof address === 'string' || address === null) return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${String(address.port)}`;
}
