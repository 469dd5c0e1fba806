/** `KEY.metadata.json`, the form of Amazon Bedrock's knowledge bases. */
import { z } from 'zod';
import { RetrievalError } from '../../../errors.js';
import type { JsonObject, JsonValue } from '../../../model.js';
import { decodeText } from '../text.js';

/** Largest sidecar, in bytes; Bedrock itself takes 10 KB. */
export const MAX_SIDECAR_BYTES = 256 * 1024;

const typedSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('STRING'), stringValue: z.string() }),
  z.object({ type: z.literal('NUMBER'), numberValue: z.number() }),
  z.object({ type: z.literal('BOOLEAN'), booleanValue: z.boolean() }),
  z.object({ type: z.literal('STRING_LIST'), stringListValue: z.array(z.string()) }),
]);

const simpleSchema = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

const attributeSchema = z.union([
  simpleSchema,
  // Metadata is never embedded here, so what `includeForEmbedding` says makes no difference.
  z.object({ value: typedSchema, includeForEmbedding: z.boolean().optional() }),
]);

const sidecarSchema = z.object({ metadataAttributes: z.record(z.string(), attributeSchema) });

/** @throws RetrievalError `invalid_metadata` whose `field` is the attribute at fault. */
export function parseSidecar(bytes: Buffer): JsonObject {
  const parsed = sidecarSchema.safeParse(parseJson(bytes));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.slice(0, 2).map(String).join('.') ?? '';
    throw invalid(
      path === '' ? 'metadataAttributes' : path,
      'is neither a text, a number, true or false, a list of texts, nor {"value": {"type": "STRING", "stringValue": …}} with a type of STRING, NUMBER, BOOLEAN or STRING_LIST',
    );
  }
  return Object.fromEntries(
    Object.entries(parsed.data.metadataAttributes).map(([name, attribute]) => [name, toValue(attribute)]),
  );
}

function toValue(attribute: z.infer<typeof attributeSchema>): JsonValue {
  if (typeof attribute !== 'object' || Array.isArray(attribute)) return attribute;
  const { value } = attribute;
  switch (value.type) {
    case 'STRING':
      return value.stringValue;
    case 'NUMBER':
      return value.numberValue;
    case 'BOOLEAN':
      return value.booleanValue;
    case 'STRING_LIST':
      return value.stringListValue;
    default:
      return value satisfies never;
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(decodeText(bytes)) as unknown;
  } catch {
    // The parser's own message quotes the text, so it is not kept as the cause.
    throw invalid('metadataAttributes', 'cannot be read: the file is not JSON in UTF-8');
  }
}

function invalid(field: string, problem: string): RetrievalError {
  return new RetrievalError('invalid_metadata', `The sidecar's ${field} ${problem}`, { field });
}
