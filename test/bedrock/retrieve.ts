/** Retrieve, RetrieveAndGenerate and RetrieveAndGenerateStream over a small set of chunks. */
import type {
  Citation,
  KnowledgeBaseRetrievalResult,
  KnowledgeBaseVectorSearchConfiguration,
  RetrieveAndGenerateCommandInput,
  RetrieveAndGenerateCommandOutput,
  RetrieveAndGenerateStreamResponseOutput,
  RetrieveCommandInput,
  RetrieveCommandOutput,
} from '@aws-sdk/client-bedrock-agent-runtime';
import { eventFrame } from './event-stream.js';
import { matches } from './retrieval-filter.js';
import type { Metadata } from './retrieval-filter.js';
import type { FakeHandler, FakeReply } from './server.js';
import { answering, assertLength, assertRange, inputOf, notFound, overlap, refuse } from './validation.js';

export interface KbChunk {
  readonly id: string;
  readonly uri: string;
  readonly text: string;
  readonly metadata?: Metadata;
  /** Words in common with the question when absent. */
  readonly score?: number;
}

export interface KnowledgeBaseOptions {
  readonly id: string;
  readonly chunks: readonly KbChunk[];
  /** Whether its vector store has a text field to search. */
  readonly hybrid?: boolean;
  /** Results of one page at most, whatever was asked for. */
  readonly pageSize?: number;
}

const MAX_RESULTS = 100;
const DEFAULT_RESULTS = 5;
const NOTHING_FOUND = 'Sorry, I am unable to assist you with this request.';

export function knowledgeBaseHandler(options: KnowledgeBaseOptions): FakeHandler {
  return (request) => {
    if (request.method !== 'POST') return null;
    const retrieve = /^\/knowledgebases\/([^/]+)\/retrieve$/u.exec(request.path);
    if (retrieve !== null) {
      return answering(() =>
        answerRetrieve(options, retrieve[1] ?? '', inputOf(request) as RetrieveCommandInput),
      );
    }
    if (request.path === '/retrieveAndGenerate' || request.path === '/retrieveAndGenerateStream') {
      const isStreamed = request.path.endsWith('Stream');
      return answering(() =>
        answerGenerate(options, inputOf(request) as RetrieveAndGenerateCommandInput, isStreamed),
      );
    }
    return null;
  };
}

function answerRetrieve(options: KnowledgeBaseOptions, id: string, input: RetrieveCommandInput): FakeReply {
  assertKnown(options, id);
  const query = assertLength('retrievalQuery.text', input.retrievalQuery?.text, 1, 20_000);
  const search = input.retrievalConfiguration?.vectorSearchConfiguration ?? {};
  const found = rank(options, query, search);
  const from = input.nextToken === undefined ? 0 : readToken(input.nextToken, query);
  const size = Math.min(search.numberOfResults ?? DEFAULT_RESULTS, options.pageSize ?? MAX_RESULTS);
  const end = from + size;
  const body = {
    retrievalResults: found.slice(from, end).map(({ chunk, score }) => toResult(chunk, score)),
    ...(end < found.length ? { nextToken: writeToken(end, query) } : {}),
  } satisfies Omit<RetrieveCommandOutput, '$metadata'>;
  return { kind: 'json', body };
}

function rank(
  options: KnowledgeBaseOptions,
  query: string,
  search: KnowledgeBaseVectorSearchConfiguration,
): readonly { readonly chunk: KbChunk; readonly score: number }[] {
  const { overrideSearchType, filter, numberOfResults, rerankingConfiguration } = search;
  assertRange('numberOfResults', numberOfResults, 1, MAX_RESULTS);
  assertRange(
    'numberOfRerankedResults',
    rerankingConfiguration?.bedrockRerankingConfiguration?.numberOfRerankedResults,
    1,
    MAX_RESULTS,
  );
  if (overrideSearchType === 'HYBRID' && options.hybrid === false) {
    throw refuse(
      'HYBRID search type is not supported for search operation on index. Retry your request with a different search type.',
    );
  }
  return options.chunks
    .filter(({ metadata = {} }) => filter === undefined || matches(filter, metadata))
    .map((chunk) => ({ chunk, score: chunk.score ?? overlap(query, chunk.text) }))
    .sort((a, b) => b.score - a.score);
}

function toResult(chunk: KbChunk, score: number): KnowledgeBaseRetrievalResult {
  return { ...toReference(chunk), score };
}

function toReference({ id, uri, text, metadata = {} }: KbChunk): Omit<KnowledgeBaseRetrievalResult, 'score'> {
  return {
    content: { type: 'TEXT', text },
    location: { type: 'S3', s3Location: { uri } },
    metadata: {
      ...(metadata as Record<string, string>),
      'x-amz-bedrock-kb-source-uri': uri,
      'x-amz-bedrock-kb-chunk-id': id,
    },
  };
}

/** The first sentence of each chunk that fits, cited, with a sentence of its own between. */
function answerGenerate(
  options: KnowledgeBaseOptions,
  input: RetrieveAndGenerateCommandInput,
  isStreamed: boolean,
): FakeReply {
  const query = assertLength('input.text', input.input?.text, 1, 1000);
  const { type, knowledgeBaseConfiguration } = input.retrieveAndGenerateConfiguration ?? {};
  if (type !== 'KNOWLEDGE_BASE' || knowledgeBaseConfiguration === undefined) throw refuse('type');
  assertKnown(options, knowledgeBaseConfiguration.knowledgeBaseId ?? '');
  const arn = assertLength('modelArn', knowledgeBaseConfiguration.modelArn, 1, 2048);
  if (!/^(?:arn:aws:bedrock:[a-z0-9-]+::foundation-model\/|us\.)[a-z0-9.:-]+$/u.test(arn)) {
    throw refuse('The provided model identifier is invalid.');
  }
  assertRange(
    'maxTokens',
    knowledgeBaseConfiguration.generationConfiguration?.inferenceConfig?.textInferenceConfig?.maxTokens,
    0,
    65_536,
  );
  const search = knowledgeBaseConfiguration.retrievalConfiguration?.vectorSearchConfiguration ?? {};
  const found = rank(options, query, search)
    .filter(({ score }) => score > 0)
    .slice(0, search.numberOfResults ?? DEFAULT_RESULTS);
  const { text, citations } = compose(found.map(({ chunk }) => chunk));
  if (isStreamed) {
    const events = [
      ...(text.match(/[\s\S]{1,9}/gu) ?? []).map((piece) => ({ output: { text: piece } })),
      ...citations.map(({ generatedResponsePart, retrievedReferences }) => ({
        citation: { generatedResponsePart, retrievedReferences },
      })),
    ] satisfies readonly Partial<RetrieveAndGenerateStreamResponseOutput>[];
    const frames = events.flatMap((event) =>
      Object.entries(event).map(([name, payload]) => eventFrame(name, payload)),
    );
    return { kind: 'events', frames };
  }
  const body = { sessionId: 'session-1', output: { text }, citations } satisfies Omit<
    RetrieveAndGenerateCommandOutput,
    '$metadata'
  >;
  return { kind: 'json', body };
}

function compose(chunks: readonly KbChunk[]): { readonly text: string; readonly citations: Citation[] } {
  if (chunks.length === 0) return { text: NOTHING_FOUND, citations: [] };
  let text = '';
  const citations: Citation[] = [];
  for (const chunk of chunks) {
    const sentence = /^[^.]*\.?/u.exec(chunk.text)?.[0] ?? chunk.text;
    if (text !== '') text += ' ';
    const start = text.length;
    text += sentence;
    citations.push({
      // The end is the last character's place, as the service counts.
      generatedResponsePart: { textResponsePart: { text: sentence, span: { start, end: text.length - 1 } } },
      retrievedReferences: [toReference(chunk)],
    });
  }
  return { text, citations };
}

function assertKnown({ id }: KnowledgeBaseOptions, asked: string): void {
  if (!/^[0-9a-zA-Z]{1,10}$/u.test(asked)) throw refuse("'knowledgeBaseId' failed to satisfy constraint");
  if (asked !== id) throw notFound(`KnowledgeBase with id ${asked} does not exist`);
}

function writeToken(offset: number, query: string): string {
  return Buffer.from(JSON.stringify([offset, query.length])).toString('base64url');
}

function readToken(token: string, query: string): number {
  const [offset, length] = JSON.parse(Buffer.from(token, 'base64url').toString()) as [number, number];
  if (length !== query.length) throw refuse('The nextToken is of another request');
  return offset;
}
