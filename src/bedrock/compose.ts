/**
 * What of a runtime asks Bedrock to rerank, to answer and to search knowledge bases. The AWS SDK is
 * loaded when it is first needed: most programs never do.
 */
import { randomBytes } from 'node:crypto';
import { createAnswer } from '../answer/answer.js';
import type { AnswerEvents, AnswerSettings } from '../answer/answer.js';
import type { ChatModel } from '../answer/port.js';
import { loadTemplate } from '../answer/template.js';
import type { ManagedCollection } from '../catalog/managed.js';
import { RetrievalError } from '../errors.js';
import { loadKnowledgeBases } from '../knowledge-base/file.js';
import { KIND, modelVersionOf } from '../knowledge-base/types.js';
import type { KnowledgeBase } from '../knowledge-base/types.js';
import type { Reranker } from '../rerank/port.js';
import type { QueryAnswer, QueryRequest } from '../retrieval/schema.js';
import type { CallOptions, VectorStore } from '../stores/port.js';
import type { BedrockSettings } from './settings.js';

export interface BedrockPartsSettings {
  readonly bedrock: BedrockSettings;
  readonly answer: AnswerSettings & { readonly promptFile: string | null };
  readonly knowledgeBasesFile: string | null;
}

export type Retrieve = (
  collection: string,
  request: QueryRequest,
  options?: CallOptions,
) => Promise<QueryAnswer>;

export interface BedrockParts {
  readonly reranker: Reranker;
  readonly collections: readonly ManagedCollection[];
  /** Queries and answers of all collections: the store's by `retrieve`, the others by Bedrock. */
  over(retrieve: Retrieve): { readonly retrieve: Retrieve; readonly answer: AnswerEvents };
  close(): Promise<void>;
}

/**
 * Reads the files that the settings name.
 * @param watch answers the same reranker, watched
 * @throws RetrievalError `invalid_config` for a template or a file of knowledge bases that is not valid
 */
export async function openBedrockParts(
  settings: BedrockPartsSettings,
  store: Pick<VectorStore, 'getCollection'>,
  watch: (reranker: Reranker) => Reranker = (reranker) => reranker,
): Promise<BedrockParts> {
  const template = await loadTemplate(settings.answer.promptFile);
  const all = await loadKnowledgeBases(settings.knowledgeBasesFile);
  for (const { name } of all) await assertNameFree(store, name);

  const reranker = once(async () =>
    (await import('../rerank/bedrock.js')).createBedrockReranker(settings.bedrock),
  );
  const chat = once(async () => (await import('../answer/bedrock.js')).createBedrockChat(settings.bedrock));
  const lazyReranker = watch({
    rerank: async (request, options) => (await reranker.get()).rerank(request, options),
    close: async () => (await reranker.opened())?.close(),
  });
  const knowledgeBases = once(async () =>
    (await import('../knowledge-base/index.js')).createKnowledgeBases({
      bedrock: settings.bedrock,
      answer: settings.answer,
      reranker: lazyReranker,
      openCounter,
    }),
  );
  const find = (name: string): KnowledgeBase | null => all.find((known) => known.name === name) ?? null;

  return {
    reranker: lazyReranker,
    collections: all.map(toCollection),

    over(retrieve) {
      const own = createAnswer({
        chat: lazyChat(() => chat.get()),
        template,
        settings: settings.answer,
        retrieve: (name, request, options) => retrieve(name, request, options),
        openCounter,
        newBoundary: () => randomBytes(12).toString('hex'),
      });
      return {
        async retrieve(name, request, options) {
          const managed = find(name);
          if (managed === null) return retrieve(name, request, options);
          return (await knowledgeBases.get()).retrieve(managed, request, options);
        },
        async *answer(name, request, how, options) {
          const managed = find(name);
          if (managed === null) yield* own(name, request, how, options);
          else yield* (await knowledgeBases.get()).answer(managed, request, how, options);
        },
      };
    },

    async close() {
      await lazyReranker.close();
      await (await chat.opened())?.close();
      await (await knowledgeBases.opened())?.close();
    },
  };
}

function lazyChat(get: () => Promise<ChatModel>): Omit<ChatModel, 'close'> {
  return {
    converse: async (request, options) => (await get()).converse(request, options),
    async *stream(request, options) {
      yield* (await get()).stream(request, options);
    },
  };
}

interface Once<T> {
  get(): Promise<T>;
  /** Null when nobody has asked for it. */
  opened(): Promise<T | null>;
}

function once<T>(open: () => Promise<T>): Once<T> {
  let opening: Promise<T> | null = null;
  return {
    get: () => (opening ??= open()),
    opened: async () => opening,
  };
}

async function openCounter(): Promise<(text: string) => number> {
  const { createTiktokenTokenizer } = await import('../chunking/tiktoken.js');
  const tokenizer = createTiktokenTokenizer(Number.MAX_SAFE_INTEGER);
  return (text) => tokenizer.count(text);
}

function toCollection(knowledgeBase: KnowledgeBase): ManagedCollection {
  const { name, id, region, searchType, fields } = knowledgeBase;
  return {
    kind: KIND,
    name,
    knowledgeBaseId: id,
    region,
    searchType,
    fields,
    modelVersion: modelVersionOf(knowledgeBase),
  };
}

/** Neither of two collections of one name may hide the other. */
async function assertNameFree(store: Pick<VectorStore, 'getCollection'>, name: string): Promise<void> {
  if ((await store.getCollection(name)) === null) return;
  throw new RetrievalError(
    'invalid_config',
    `The store has a collection "${name}" already; give the knowledge base another name in the file of PLUMBLINE_KNOWLEDGE_BASES_FILE`,
    { field: 'PLUMBLINE_KNOWLEDGE_BASES_FILE' },
  );
}
