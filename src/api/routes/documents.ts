import { z } from 'zod';
import { RetrievalError, hasCode } from '../../errors.js';
import type { IngestSummary } from '../../ingest/types.js';
import type { JsonValue } from '../../model.js';
import type { Runtime } from '../../runtime-types.js';
import type { CallOptions } from '../../stores/port.js';
import { DEFAULT_LIMIT, answer, collectionParams } from '../schemas/common.js';
import {
  countBodySchema,
  countSchema,
  deleteBodySchema,
  deletedSchema,
  documentListSchema,
  documentParams,
  documentSchema,
  listBodySchema,
  listQuerySchema,
  putDocumentsSchema,
  putSummarySchema,
} from '../schemas/document.js';
import { BODY_CODES, EMBEDDER_CODES, STORE_CODES, problemResponses } from '../schemas/problem.js';
import type { RouteContext, ZodApp } from '../types.js';
import { fromDocument, fromDocumentSummary, fromIngestSummary, toSource } from '../wire.js';
import { workOf } from '../work-hooks.js';

const COLLECTION_CODES = ['invalid_collection_name', 'collection_not_found', ...STORE_CODES] as const;
const FILTER_CODES = ['invalid_filter', 'unknown_field'] as const;
/** Failures listed in the details of a request none of whose documents was taken. */
const MAX_LISTED = 100;

export function documentRoutes(app: ZodApp, { runtime, metrics }: RouteContext): void {
  const { catalog } = runtime;

  app.put(
    '/collections/:name/documents',
    {
      schema: {
        operationId: 'putDocuments',
        summary: 'Put documents',
        description:
          'Chunks, embeds and stores them. Putting an unchanged document again costs no embedding; a changed one replaces its chunks in one step. A document that cannot be taken is listed in `failed` and does not stop the others; when none could be taken, the answer is the first one’s problem. Send many documents in several requests: what was written before a request ran out of time stays, and putting it again is free.',
        tags: ['documents'],
        params: collectionParams,
        body: putDocumentsSchema,
        response: {
          200: answer('What became of the documents', putSummarySchema),
          ...problemResponses(
            'invalid_document',
            'invalid_metadata',
            'field_type_conflict',
            'invalid_vector',
            'model_mismatch',
            ...COLLECTION_CODES,
            ...BODY_CODES,
            ...EMBEDDER_CODES,
          ),
        },
      },
    },
    async (request) => {
      const { body, params } = request;
      const summary = await workOf(request).run(({ signal }) =>
        runtime.ingest(params.name, toSource(body), signal === undefined ? {} : { signal }),
      );
      metrics.ingested(summary);
      assertSomeTaken(summary, body.documents.length);
      return fromIngestSummary(summary);
    },
  );

  app.get(
    '/collections/:name/documents',
    {
      schema: {
        operationId: 'listDocuments',
        summary: 'List documents',
        description: 'By id. For a long filter use `POST …/documents/list`.',
        tags: ['documents'],
        params: collectionParams,
        querystring: listQuerySchema,
        response: {
          200: answer('One page', documentListSchema),
          ...problemResponses(...FILTER_CODES, ...COLLECTION_CODES),
        },
      },
    },
    async (request) => {
      const { filter, limit = DEFAULT_LIMIT, after } = request.query;
      const parsed = filter === undefined ? undefined : parseJson(filter);
      return workOf(request).run((options) =>
        list(runtime, request.params.name, { filter: parsed, limit, after }, options),
      );
    },
  );

  app.post(
    '/collections/:name/documents/list',
    {
      schema: {
        operationId: 'listDocumentsByFilter',
        summary: 'List documents, with the filter in the body',
        tags: ['documents'],
        params: collectionParams,
        body: listBodySchema,
        response: {
          200: answer('One page', documentListSchema),
          ...problemResponses(...FILTER_CODES, ...COLLECTION_CODES, ...BODY_CODES),
        },
      },
    },
    async (request) =>
      workOf(request).run((options) => list(runtime, request.params.name, request.body, options)),
  );

  app.post(
    '/collections/:name/documents/count',
    {
      schema: {
        operationId: 'countDocuments',
        summary: 'Count documents',
        tags: ['documents'],
        params: collectionParams,
        body: countBodySchema,
        response: {
          200: answer('How many match', countSchema),
          ...problemResponses(...FILTER_CODES, ...COLLECTION_CODES, ...BODY_CODES),
        },
      },
    },
    async (request) => ({
      count: await workOf(request).run((options) =>
        catalog.countDocuments(request.params.name, request.body.filter, options),
      ),
    }),
  );

  app.post(
    '/collections/:name/documents/delete',
    {
      schema: {
        operationId: 'deleteDocuments',
        summary: 'Delete documents by filter or by ids',
        description: 'Ids that are not there are passed over. A filter that matches everything is refused.',
        tags: ['documents'],
        params: collectionParams,
        body: deleteBodySchema,
        response: {
          200: answer('How many there were', deletedSchema),
          ...problemResponses(...FILTER_CODES, ...COLLECTION_CODES, ...BODY_CODES),
        },
      },
    },
    async (request) => {
      const { name } = request.params;
      const { filter, ids = [] } = request.body;
      return {
        deleted: await workOf(request).run((options) =>
          filter === undefined
            ? deleteByIds(runtime, name, ids, options)
            : catalog.deleteByFilter(name, filter, options),
        ),
      };
    },
  );

  app.get(
    '/collections/:name/documents/:id',
    {
      schema: {
        operationId: 'getDocument',
        summary: 'Get a document with its chunks',
        tags: ['documents'],
        params: documentParams,
        response: {
          200: answer('The document', documentSchema),
          ...problemResponses('document_not_found', ...COLLECTION_CODES),
        },
      },
    },
    async (request) =>
      fromDocument(
        await workOf(request).run((options) =>
          catalog.getDocument(request.params.name, request.params.id, options),
        ),
      ),
  );

  app.delete(
    '/collections/:name/documents/:id',
    {
      schema: {
        operationId: 'deleteDocument',
        summary: 'Delete a document',
        tags: ['documents'],
        params: documentParams,
        response: {
          204: z.undefined().meta({ description: 'It is gone' }),
          ...problemResponses('document_not_found', ...COLLECTION_CODES),
        },
      },
    },
    async (request, reply) => {
      await workOf(request).run((options) =>
        catalog.deleteDocument(request.params.name, request.params.id, options),
      );
      return reply.code(204).send();
    },
  );
}

async function list(
  { catalog }: Runtime,
  name: string,
  query: {
    readonly filter?: JsonValue | undefined;
    readonly limit: number;
    readonly after?: string | undefined;
  },
  options: CallOptions,
): Promise<z.output<typeof documentListSchema>> {
  const { filter, limit, after } = query;
  const page = await catalog.listDocuments(
    name,
    { limit, ...(filter === undefined ? {} : { filter }), ...(after === undefined ? {} : { after }) },
    options,
  );
  return { documents: page.items.map(fromDocumentSummary), next: page.next };
}

async function deleteByIds(
  { catalog }: Runtime,
  name: string,
  ids: readonly string[],
  options: CallOptions,
): Promise<number> {
  let deleted = 0;
  for (const id of new Set(ids)) {
    try {
      await catalog.deleteDocument(name, id, options);
      deleted += 1;
    } catch (error) {
      if (!hasCode(error, 'document_not_found')) throw error;
    }
  }
  return deleted;
}

function assertSomeTaken(summary: IngestSummary, documents: number): void {
  const { failed } = summary;
  const [first] = failed;
  if (first === undefined || failed.length < documents) return;
  throw new RetrievalError(
    first.code,
    failed.length === 1
      ? first.reason
      : `None of the ${String(documents)} documents was taken. The first: ${first.reason}`,
    {
      field: 'documents',
      details: {
        failed: failed.slice(0, MAX_LISTED).map(({ name, code, reason }) => ({ id: name, code, reason })),
      },
    },
  );
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // The parser's message quotes the text.
    throw new RetrievalError(
      'invalid_filter',
      'filter is not valid JSON; write it as {"dept": "Legal"}, URL-encoded',
      {
        field: 'filter',
      },
    );
  }
}
