/** The one form of an error on the wire: RFC 9457 problem details. */
import { z } from 'zod';
import { ERRORS } from '../../errors.js';
import type { ErrorCode } from '../../errors.js';

/** Every code of the error table, as zod wants it. */
const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

export const PROBLEM_TYPE = 'application/problem+json';

export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: 'Names the kind of problem: `urn:plumbline:error:` and the code' }),
    title: z
      .string()
      .meta({ description: 'The kind of problem in words; the same for every problem of its code' }),
    status: z.number().int(),
    detail: z.string().meta({ description: 'What is wrong this time, and what to do' }),
    instance: z.string().meta({ description: 'Path of the request' }),
    code: z.enum(codes),
    request_id: z.string().meta({ description: 'Also in the header x-request-id, and in the log' }),
    retryable: z.boolean().meta({ description: 'Whether the same request may succeed later' }),
    field: z
      .string()
      .optional()
      .meta({ description: 'The part of the request at fault, as a path: `filter.dept.$in[3]`' }),
    errors: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every part that did not validate' }),
    details: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'Facts for programs: limits, names, pins' }),
  })
  .meta({ id: 'Problem' });

export type Problem = z.output<typeof problemSchema>;

interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly [PROBLEM_TYPE]: { readonly schema: typeof problemSchema } };
}

/** Codes that any request can meet. */
const ANYWHERE = ['invalid_request', 'unauthorized', 'overloaded', 'internal', 'timeout'] as const;

/** Codes of calls that reach the store. */
export const STORE_CODES = ['store_unavailable', 'store_invalid_response', 'store_error'] as const;

/** Codes of calls that reach an embedder. */
export const EMBEDDER_CODES = [
  'embedder_unavailable',
  'embedder_invalid_response',
  'rate_limited',
  'model_unavailable',
  'model_corrupt',
  'provider_access_denied',
  'provider_refused',
  'invalid_config',
] as const;

/** Codes of calls that reach Bedrock's models and knowledge bases. */
export const PROVIDER_CODES = [
  'provider_access_denied',
  'provider_refused',
  'provider_invalid_response',
  'provider_unavailable',
  'rate_limited',
] as const;

/** Codes of calls with a body. */
export const BODY_CODES = ['payload_too_large', 'unsupported_media_type'] as const;

/** A route's documented problems: the given codes and those of every route, grouped by status. */
export function problemResponses(...given: readonly ErrorCode[]): Record<number, ProblemResponse> {
  const byStatus = new Map<number, string[]>();
  for (const code of new Set([...given, ...ANYWHERE])) {
    const { status, title } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${code}\`: ${title}`]);
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, lines]) => [
        status,
        { description: lines.join('. '), content: { [PROBLEM_TYPE]: { schema: problemSchema } } },
      ]),
  );
}
