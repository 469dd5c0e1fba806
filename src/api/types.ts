/** What the parts of the app share. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { BackgroundGates } from '../generations/background-gates.js';
import type { PrepareGate } from '../generations/gate.js';
import type { Runtime } from '../runtime-types.js';
import type { Metrics } from './metrics.js';
import type { RequestWork } from './work.js';

/** A Fastify instance whose routes are typed by their zod schemas. */
export type ZodApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What routes work with. */
export interface RouteContext {
  readonly runtime: Runtime;
  readonly gates: BackgroundGates;
  /** Absent where the app was made without the evaluation: gates are then refused. */
  readonly prepareGate: PrepareGate | undefined;
  readonly metrics: Metrics;
  readonly version: string;
  readonly isDraining: () => boolean;
  readonly bodyLimitBytes: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's share of the service; only under /v1. */
    work: RequestWork | null;
  }
  interface FastifyContextConfig {
    /** Needs no API key, whatever is configured. */
    open?: boolean;
  }
}
