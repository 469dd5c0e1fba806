/** The file that names the knowledge bases: read and checked once, at the start. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { COLLECTION_NAME } from '../catalog/names.js';
import { RetrievalError } from '../errors.js';
import { nameProblem } from '../metadata/fields.js';
import type { KnowledgeBase } from './types.js';

const SETTING = 'PLUMBLINE_KNOWLEDGE_BASES_FILE';

/** Longest key of its filters. */
const MAX_KEY = 100;

const fieldTypeSchema = z.enum(['keyword', 'number', 'boolean', 'keyword[]', 'date'], {
  error:
    'has to be keyword, number, boolean, keyword[] or date: the filters of knowledge bases have no others',
});

const fieldNameSchema = z
  .string()
  .max(MAX_KEY)
  .refine((name) => nameProblem(name) === null, 'is no name of a field');

const knowledgeBaseSchema = z
  .strictObject({
    name: z
      .string()
      .regex(
        COLLECTION_NAME,
        'has to be lower-case letters, digits, "-" and "_", as the name of any collection',
      ),
    id: z.string().regex(/^[0-9a-zA-Z]{10}$/u, 'has to be the ten letters and digits of a knowledge base'),
    region: z.string().min(1).nullable().default(null),
    search_type: z.enum(['HYBRID', 'SEMANTIC']),
    fields: z.record(fieldNameSchema, fieldTypeSchema).default({}),
    date_unit: z.enum(['seconds', 'milliseconds']).optional(),
    document_id_key: z.string().min(1).nullable().default(null),
  })
  .refine(({ fields, date_unit }) => date_unit !== undefined || !Object.values(fields).includes('date'), {
    path: ['date_unit'],
    message:
      'is needed where a field is a date: knowledge bases hold dates as numbers of "seconds" or "milliseconds"',
  });

const fileSchema = z
  .strictObject({ knowledge_bases: z.array(knowledgeBaseSchema) })
  .refine(({ knowledge_bases: all }) => new Set(all.map(({ name }) => name)).size === all.length, {
    path: ['knowledge_bases'],
    message: 'has one name twice',
  });

/**
 * Reads the file; without one there are none.
 * @throws RetrievalError `invalid_config` naming the part of the file at fault.
 */
export async function loadKnowledgeBases(path: string | null): Promise<readonly KnowledgeBase[]> {
  if (path === null) return [];
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw invalid(`${path} cannot be read as JSON`, error);
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`);
  }
  return parsed.data.knowledge_bases.map((entry) => ({
    name: entry.name,
    id: entry.id,
    region: entry.region,
    searchType: entry.search_type,
    fields: entry.fields,
    dateUnit: entry.date_unit ?? 'seconds',
    documentIdKey: entry.document_id_key,
  }));
}

function invalid(problem: string, cause?: unknown): RetrievalError {
  return new RetrievalError('invalid_config', `${SETTING}: ${problem}`, {
    field: SETTING,
    ...(cause === undefined ? {} : { cause }),
  });
}
