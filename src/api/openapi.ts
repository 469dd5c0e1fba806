/** The OpenAPI 3.1 document and the page that shows it, both made from the routes' zod schemas. */
import swagger from '@fastify/swagger';
import type { SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ERRORS, RetrievalError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { toProblem } from './problem.js';
import { PROBLEM_TYPE } from './schemas/problem.js';

const REF = '#/components/schemas/';

const DESCRIPTION = `Retrieval over your documents: put them into a collection, ask questions, get ranked passages with
their source.

- Every answer of an error is a problem (RFC 9457) with a \`code\` to switch on, the \`field\` at fault and a \`request_id\`.
- Bodies are JSON. A key that is not described here is refused.
- A \`filter\` is the same everywhere: \`{"dept": "Legal", "published_at": {"$gte": "2024-01-01"}}\` with \`$eq\`, \`$ne\`,
  \`$gt\`, \`$gte\`, \`$lt\`, \`$lte\`, \`$in\`, \`$nin\`, \`$exists\`, \`$and\`, \`$or\`, \`$not\`.
- With API keys configured, everything but \`/healthz\` and \`/readyz\` needs \`Authorization: Bearer KEY\`.`;

/** Nothing but this server is loaded by the page, and no other page may frame it. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page's own markup has no viewport, so that a phone would shrink a desktop's page. */
const VIEWPORT_SCRIPT = `const viewport = document.createElement('meta');
viewport.name = 'viewport';
viewport.content = 'width=device-width, initial-scale=1';
document.head.append(viewport);
`;

/** No column for links, which no answer has; on a phone the parts of an answer below each other. */
const STYLE = `.swagger-ui .responses-table .response-col_links { display: none !important; }
.swagger-ui .scheme-container { padding: 12px 0; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 12px; }
  .swagger-ui .opblock .opblock-section-header { flex-wrap: wrap; }
  .swagger-ui .responses-table, .swagger-ui .responses-table > thead, .swagger-ui .responses-table > tbody,
  .swagger-ui .responses-table > tbody > tr, .swagger-ui .responses-table > tbody > tr > td { display: block; width: auto; }
  .swagger-ui .responses-table > thead, .swagger-ui table.parameters > thead { display: none; }
  .swagger-ui .responses-inner, .swagger-ui .table-container { padding: 12px; }
  .swagger-ui table.parameters > tbody > tr { display: block; }
  .swagger-ui table.parameters > tbody > tr > td { display: block; width: auto; padding: 4px 0; }
  .swagger-ui .parameters-col_description input, .swagger-ui .parameters-col_description textarea { max-width: 100%; }
}
`;

export async function registerOpenApi(
  app: FastifyInstance,
  options: { readonly version: string; readonly hasKeys: boolean },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Plumbline',
        version: options.version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'query', description: 'Ask a collection' },
        { name: 'collections', description: 'Named sets of documents, each with one pinned model' },
        { name: 'generations', description: "Changing a collection's model beside the one that answers" },
        { name: 'documents', description: 'What a collection holds' },
        { name: 'service', description: 'Models, probes, metrics' },
      ],
      ...(options.hasKeys
        ? {
            security: [{ apiKey: [] }],
            components: {
              securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key' } },
            },
          }
        : {}),
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withProblemExamples(tidy(jsonSchemaTransformObject(document))),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    uiConfig: {
      layout: 'BaseLayout',
      docExpansion: 'list',
      displayRequestDuration: true,
      defaultModelsExpandDepth: 0,
      validatorUrl: null,
    },
    theme: {
      title: 'Plumbline API',
      css: [{ filename: 'plumbline.css', content: STYLE }],
      js: [{ filename: 'viewport.js', content: VIEWPORT_SCRIPT }],
    },
  });
}

type OpenApiDocument = ReturnType<SwaggerTransformObject>;

/**
 * Every zod schema with an id becomes two components, one as read and one (`…Input`) as written,
 * used or not. Keeps those that a route reaches, and drops the suffix where the two are the same or
 * only one is left.
 */
function tidy(document: OpenApiDocument): OpenApiDocument {
  const all = schemasOf(document);
  const reached = new Set<string>();
  const queue = refsIn({ ...document, components: {} });
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    queue.push(...refsIn(all[name]));
  }
  const rename = (name: string): string => {
    const plain = name.replace(/Input$/u, '');
    return reached.has(plain) && !isSameSchema(all[plain], all[name]) ? name : plain;
  };
  const schemas = Object.fromEntries([...reached].sort().map((name) => [rename(name), all[name]]));
  const tidied = {
    ...document,
    components: { ...('components' in document ? document.components : {}), schemas },
  };
  return JSON.parse(JSON.stringify(tidied), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(REF)
      ? REF + rename(value.slice(REF.length))
      : value,
  ) as OpenApiDocument;
}

/** Gives every documented problem an example of its own first code. */
function withProblemExamples(document: OpenApiDocument): OpenApiDocument {
  return JSON.parse(JSON.stringify(document), (_key, value: unknown) => {
    const parsed = problemResponse.safeParse(value);
    if (!parsed.success) return value;
    const code = /^`(\w+)`/u.exec(parsed.data.description)?.[1];
    const known = (Object.keys(ERRORS) as ErrorCode[]).find((name) => name === code);
    if (known === undefined) return value;
    const example = toProblem(
      new RetrievalError(known, ERRORS[known].title),
      '/v1/collections/handbook',
      'trace-1',
    );
    const { content, ...rest } = parsed.data;
    return { ...rest, content: { [PROBLEM_TYPE]: { ...content[PROBLEM_TYPE], example } } };
  }) as OpenApiDocument;
}

const problemResponse = z.looseObject({
  description: z.string(),
  content: z.strictObject({ [PROBLEM_TYPE]: z.looseObject({}) }),
});

function isSameSchema(read: unknown, written: unknown): boolean {
  return (
    JSON.stringify(written).replaceAll(/(?<=#\/components\/schemas\/\w+)Input"/gu, '"') ===
    JSON.stringify(read)
  );
}

function schemasOf(document: OpenApiDocument): Readonly<Record<string, unknown>> {
  const components = 'components' in document ? document.components : undefined;
  return components?.schemas ?? {};
}

function refsIn(value: unknown): string[] {
  const names: string[] = [];
  JSON.stringify(value, (key, item: unknown) => {
    if (key === '$ref' && typeof item === 'string' && item.startsWith(REF))
      names.push(item.slice(REF.length));
    return item;
  });
  return names;
}
