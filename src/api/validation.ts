/** zod as Fastify's validator: what does not fit becomes one `invalid_request` naming every part. */
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { RetrievalError } from '../errors.js';

/** Most problems one answer lists. */
const MAX_ISSUES = 20;
/** Longest name of a part; names come from the caller. */
const MAX_FIELD = 200;

export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const result = schema.safeParse(data);
    return result.success
      ? { value: result.data }
      : { error: invalidRequest(result.error, httpPart ?? 'body') };
  };

function invalidRequest(error: z.ZodError, part: string): RetrievalError {
  const errors = error.issues
    .flatMap((issue) => describe(issue, part))
    .slice(0, MAX_ISSUES)
    .map(({ field, message }) => ({ field: field.slice(0, MAX_FIELD), message }));
  const [first] = errors;
  if (first === undefined) return new RetrievalError('invalid_request', 'The request is not valid');
  return new RetrievalError('invalid_request', `${first.field}: ${first.message}`, {
    field: first.field,
    details: { errors },
  });
}

/** zod's messages name types and limits, never the value. */
function describe(
  issue: z.core.$ZodIssue,
  part: string,
): { readonly field: string; readonly message: string }[] {
  const path = pathOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: path === '' ? key : `${path}.${key}`,
      message: 'is not known here',
    }));
  }
  return [{ field: path === '' ? part : path, message: issue.message }];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (before, key) =>
      typeof key === 'number'
        ? `${before}[${String(key)}]`
        : before === ''
          ? String(key)
          : `${before}.${String(key)}`,
    '',
  );
}
