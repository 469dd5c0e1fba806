/**
 * The HTTP API as a Fastify app that does not listen. Order of work on a request: request id →
 * Host or API key → does the path exist → place in the pool → body → validation → runtime.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fastify, { LogController } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.js';
import { ERRORS, RetrievalError } from '../errors.js';
import { createBackgroundGates } from '../generations/background-gates.js';
import type { PrepareGate } from '../generations/gate.js';
import type { Runtime } from '../runtime-types.js';
import { createAuthenticator } from './auth.js';
import { answerClientError } from './client-error.js';
import { readJsonBodies } from './json-body.js';
import { logFault, loggerSettings } from './log.js';
import type { LogSink } from './log.js';
import { isLoopbackHostHeader } from './loopback.js';
import { createMetrics } from './metrics.js';
import type { Metrics } from './metrics.js';
import { registerOpenApi } from './openapi.js';
import { notFound, retryAfterSeconds, toProblem, toRetrievalError } from './problem.js';
import { answerRoutes } from './routes/answer.js';
import { collectionRoutes } from './routes/collections.js';
import { documentRoutes } from './routes/documents.js';
import { evalSetRoutes } from './routes/eval-sets.js';
import { gateRoutes } from './routes/gate.js';
import { generationRoutes } from './routes/generations.js';
import { queryRoutes } from './routes/query.js';
import { serviceRoutes } from './routes/service.js';
import { createPathTable } from './path-table.js';
import type { PathTable } from './path-table.js';
import { PROBLEM_TYPE } from './schemas/problem.js';
import type { RouteContext, ZodApp } from './types.js';
import { validatorCompiler } from './validation.js';
import { admitRequests, onceAnswered } from './work-hooks.js';
import { createWorkPool } from './work.js';

/** Longest part of a path, percent-encoded; Node bounds the whole head of a request at 16 KiB. */
const MAX_PARAM_LENGTH = 16_384;

/** Longest the head of a request may take to arrive. */
const MAX_HEAD_MS = 60_000;
/** How often Node looks for requests that take too long to arrive. */
const CHECK_CONNECTIONS_MS = 5000;

interface AppOptions {
  readonly runtime: Runtime;
  readonly config: Config['server'];
  readonly version: string;
  /** Where log lines go; standard output when absent. */
  readonly logSink?: LogSink;
  /** The evaluation's, which stands above the API; without it gates are refused. */
  readonly prepareGate?: PrepareGate;
}

/** The app with what its server needs to take it down. */
export interface App {
  readonly fastify: FastifyInstance;
  /** From now on nothing new is taken: `/readyz` is 503, and answers close their connection. */
  drain(): void;
  /** Stops all running work; its requests are answered `overloaded`. */
  abortAll(): void;
}

/** Builds the app. It neither listens nor closes the runtime. */
export async function createApp(options: AppOptions): Promise<App> {
  const { runtime, config, version } = options;
  const pool = createWorkPool({ maxInflight: config.maxInflight, timeoutMs: config.requestTimeoutMs });
  const metrics = createMetrics(() => pool.inflight(), version);
  await runtime.monitoring?.start({
    registry: metrics.registry,
    writeLine: (line) => void (options.logSink ?? process.stdout).write(line),
  });
  let draining = false;
  const isDraining = (): boolean => draining;

  const app: ZodApp = fastify({
    logger: loggerSettings(config.logLevel, options.logSink),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    requestIdHeader: false,
    genReqId: requestId,
    bodyLimit: config.bodyLimitBytes,
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => {
      sendProblem(error, request, reply, config);
    },
    clientErrorHandler: answerClientError,
    requestTimeout: config.requestTimeoutMs,
    http: {
      requestTimeout: config.requestTimeoutMs,
      // Node swaps the two where the head's is the longer.
      headersTimeout: Math.min(MAX_HEAD_MS, config.requestTimeoutMs),
      connectionsCheckingInterval: Math.min(CHECK_CONNECTIONS_MS, config.requestTimeoutMs),
    },
  });
  const paths = createPathTable();

  app.setValidatorCompiler(validatorCompiler);
  // Answers are typed by their schemas; checking each again would cost more than writing it.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, request, reply) => {
    sendProblem(error, request, reply, config);
  });
  app.setNotFoundHandler(() => {
    throw notFound();
  });
  readJsonBodies(app);
  app.decorateRequest('work', null);
  app.addHook('onRoute', ({ url, method }) => {
    paths.add(url, method);
  });
  observeRequests(app, metrics, isDraining);
  guardRequests(app, config, metrics);
  refuseUnknownPaths(app, paths);

  await registerOpenApi(app, { version, hasKeys: config.apiKeyHashes.length > 0 });
  const gates = createBackgroundGates();
  app.addHook('preClose', () => gates.close());
  const context: RouteContext = {
    runtime,
    gates,
    prepareGate: options.prepareGate,
    metrics,
    version,
    isDraining,
    bodyLimitBytes: config.bodyLimitBytes,
  };
  await app.register(
    (v1: ZodApp, _options, done) => {
      admitRequests(v1, { pool, metrics, isDraining });
      queryRoutes(v1, context);
      answerRoutes(v1, context);
      collectionRoutes(v1, context);
      generationRoutes(v1, context);
      gateRoutes(v1, context);
      evalSetRoutes(v1, context);
      documentRoutes(v1, context);
      done();
    },
    { prefix: '/v1' },
  );
  await app.register((service: ZodApp, _options, done) => {
    serviceRoutes(service, context);
    done();
  });
  await app.ready();

  return {
    fastify: app,
    drain() {
      draining = true;
    },
    abortAll() {
      pool.abortAll(new RetrievalError('overloaded', 'The service is going down; ask another one'));
    },
  };
}

/** The caller's id when it is safe to repeat in headers and logs, else one of our own. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/u.test(given) ? given : randomUUID();
}

/** Request id, metrics, and one log line a request. */
function observeRequests(app: ZodApp, metrics: Metrics, isDraining: () => boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    const began = performance.now();
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    onceAnswered(reply.raw, (isWhole) => {
      const ms = performance.now() - began;
      const route = request.routeOptions.url ?? 'none';
      const status = isWhole ? reply.statusCode : ERRORS.cancelled.status;
      metrics.request({ method: request.method, route, status }, ms);
      request.log.info({ method: request.method, route, status, ms: Math.round(ms * 100) / 100 }, 'request');
    });
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    if (isDraining()) reply.header('connection', 'close');
    if (request.work !== null) reply.header('cache-control', 'no-store');
    done(null, payload);
  });
}

/** With API keys: a valid one, or an open route. Without: a Host header that names this machine. */
function guardRequests(app: ZodApp, config: Config['server'], metrics: Metrics): void {
  const isKnown = createAuthenticator(config.apiKeyHashes);
  app.addHook('onRequest', (request, reply, done) => {
    if (config.apiKeyHashes.length === 0) {
      if (isLoopbackHostHeader(request.headers.host)) done();
      else {
        metrics.rejected('foreign_host');
        done(
          new RetrievalError(
            'invalid_request',
            'Without API keys this service answers to 127.0.0.1, [::1] and localhost only; the Host header has another name',
            { field: 'host' },
          ),
        );
      }
      return;
    }
    if (request.routeOptions.config.open === true || isKnown(request.headers.authorization)) {
      done();
      return;
    }
    metrics.rejected('unauthorized');
    reply.header('www-authenticate', 'Bearer realm="plumbline"');
    done(new RetrievalError('unauthorized', 'Send a valid API key: Authorization: Bearer KEY'));
  });
}

/** 404, or 405 where another method would do; before the body is looked at. */
function refuseUnknownPaths(app: ZodApp, paths: PathTable): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) {
      done();
      return;
    }
    const allowed = paths.methods(pathOf(request));
    if (allowed.length === 0) {
      done(notFound());
      return;
    }
    reply.header('allow', allowed.join(', '));
    done(
      new RetrievalError(
        'method_not_allowed',
        `${request.method} is not for this path; allowed: ${allowed.join(', ')}`,
        {
          details: { allowed },
        },
      ),
    );
  });
}

function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  config: Config['server'],
): void {
  const error = toRetrievalError(thrown, config);
  logFault(request.log, error);
  const wait = retryAfterSeconds(error);
  if (wait !== null) reply.header('retry-after', String(wait));
  void reply
    .code(error.status)
    .header('x-request-id', request.id)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(toProblem(error, pathOf(request), request.id)));
}

function pathOf(request: FastifyRequest): string {
  const [path = '/'] = request.url.split('?', 1);
  return path;
}
