/** The knowledge bases of this service: collections that AWS keeps. */
import type { AnswerSettings } from '../answer/answer.js';
import type { AnswerEvent, AnswerRequest } from '../answer/schema.js';
import type { BedrockSettings } from '../bedrock/settings.js';
import type { Reranker } from '../rerank/port.js';
import type { QueryAnswer, QueryRequest } from '../retrieval/schema.js';
import type { CallOptions } from '../stores/port.js';
import { answerManaged } from './answer.js';
import { createClients } from './clients.js';
import { retrieveManaged } from './retrieve.js';
import type { KnowledgeBase } from './types.js';

export interface KnowledgeBases {
  retrieve(knowledgeBase: KnowledgeBase, request: QueryRequest, options?: CallOptions): Promise<QueryAnswer>;
  answer(
    knowledgeBase: KnowledgeBase,
    request: AnswerRequest,
    how: 'whole' | 'streamed',
    options?: CallOptions,
  ): AsyncGenerator<AnswerEvent>;
  close(): Promise<void>;
}

export interface KnowledgeBasePorts {
  readonly bedrock: BedrockSettings;
  readonly answer: Pick<AnswerSettings, 'model' | 'maxTokens'>;
  readonly reranker: Reranker;
  readonly openCounter: () => Promise<(text: string) => number>;
}

/** Nothing is asked of AWS until a call needs it. */
export function createKnowledgeBases(ports: KnowledgeBasePorts): KnowledgeBases {
  const { reranker, openCounter, answer: settings } = ports;
  const clients = createClients(ports.bedrock);
  return {
    retrieve: (knowledgeBase, request, options = {}) =>
      retrieveManaged({ clients, reranker, openCounter }, knowledgeBase, request, options),
    answer: (knowledgeBase, request, how, options = {}) =>
      answerManaged({ clients, settings }, knowledgeBase, request, how, options),
    close: () => clients.close(),
  };
}
