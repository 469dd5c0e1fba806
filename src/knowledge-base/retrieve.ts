/** Answers a query from a knowledge base: Retrieve → rerank → groups → page → hits. */
import { RetrieveCommand } from '@aws-sdk/client-bedrock-agent-runtime';
import type { BedrockAgentRuntimeClient } from '@aws-sdk/client-bedrock-agent-runtime';
import { z } from 'zod';
import { deadline } from '../bedrock/deadline.js';
import { fromAws, invalidAnswer } from '../bedrock/errors.js';
import { RetrievalError } from '../errors.js';
import type { Reranker } from '../rerank/port.js';
import { assertPage } from '../retrieval/pages.js';
import { rerankCandidates } from '../retrieval/rerank.js';
import type { Hit, QueryAnswer, QueryRequest, Warning } from '../retrieval/schema.js';
import { groupHits } from '../retrieval/score.js';
import type { HitGroup, ScoredCandidate } from '../retrieval/score.js';
import type { CallOptions } from '../stores/port.js';
import { askedOf } from './clients.js';
import type { KnowledgeBaseClients } from './clients.js';
import { toSearch, unsupported } from './request.js';
import type { Search } from './request.js';
import { passageSchema, toPassage } from './results.js';
import type { Passage } from './results.js';
import { modelVersionOf } from './types.js';
import type { KnowledgeBase } from './types.js';

/** Most results of one call. */
const PAGE = 100;
const TIMEOUT_MS = 60_000;

const answerSchema = z.looseObject({
  retrievalResults: z.array(passageSchema),
  nextToken: z.string().optional(),
});

export interface ManagedRetrievePorts {
  readonly clients: KnowledgeBaseClients;
  readonly reranker: Reranker;
  /** Counts a passage's tokens, by no model's own tokenizer. */
  openCounter(): Promise<(text: string) => number>;
}

/** The same request and answer as of any collection's query. */
export async function retrieveManaged(
  ports: ManagedRetrievePorts,
  knowledgeBase: KnowledgeBase,
  request: QueryRequest,
  options: CallOptions,
): Promise<QueryAnswer> {
  const began = performance.now();
  assertPage(request);
  if (request.neighbours > 0)
    throw unsupported('neighbours', 'no neighbours of a passage; leave neighbours out');
  const search = toSearch(knowledgeBase, request);
  const passages = await searchAll(ports.clients, knowledgeBase, request, search, options);
  const searched = performance.now();
  const byId = new Map(passages.map((passage) => [passage.chunkId, passage]));
  const order = await reorder(ports.reranker, request, [...byId.values()].map(toCandidate), byId, options);
  const reranked = performance.now();
  const floor = request.min_score ?? -Infinity;
  const groups = groupHits(
    order.candidates.filter(({ score }) => score >= floor),
    request.group_by_document,
  );
  const page = groups.slice(request.offset, request.offset + request.top_k);
  const countTokens = await ports.openCounter();
  return {
    collection: knowledgeBase.name,
    generation: 0,
    model_version: modelVersionOf(knowledgeBase),
    mode: search.searchType === 'HYBRID' ? 'hybrid' : 'vector',
    hits: page.map((group) => toHit(group, byId, request.explain, countTokens)),
    total: groups.length,
    ...(request.explain ? { plan: { vector: null, matches: null } } : {}),
    ...(order.warnings.length === 0 ? {} : { warnings: [...order.warnings] }),
    took_ms: {
      embed: 0,
      legs: searched - began,
      complete: 0,
      ...(request.rerank === undefined ? {} : { rerank: reranked - searched }),
      total: performance.now() - began,
    },
  };
}

/** All candidates of the query: the same ones for each of its pages. */
async function searchAll(
  clients: KnowledgeBaseClients,
  knowledgeBase: KnowledgeBase,
  request: QueryRequest,
  search: Search,
  options: CallOptions,
): Promise<readonly Passage[]> {
  if (search.filter.kind === 'none') return [];
  const limit = deadline(options.signal, TIMEOUT_MS);
  const asked = askedOf(knowledgeBase, 'bedrock:Retrieve');
  try {
    const client = await clients.of(knowledgeBase);
    const passages: Passage[] = [];
    let nextToken: string | undefined;
    do {
      const reply: unknown = await retrievePage(
        client,
        knowledgeBase,
        request,
        search,
        nextToken,
        limit.signal,
      );
      const parsed = answerSchema.safeParse(reply);
      if (!parsed.success) throw invalidAnswer(asked, 'its form');
      const { retrievalResults: found } = parsed.data;
      passages.push(...found.map((result) => toPassage(result, knowledgeBase)));
      // A page may be empty at the end, but not for ever.
      nextToken = found.length === 0 ? undefined : parsed.data.nextToken;
    } while (nextToken !== undefined && passages.length < request.candidates);
    return passages.slice(0, request.candidates);
  } catch (error) {
    throw fromAws(error, asked, limit);
  }
}

function retrievePage(
  client: BedrockAgentRuntimeClient,
  { id }: KnowledgeBase,
  request: QueryRequest,
  { searchType, filter }: Search,
  nextToken: string | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  return client.send(
    new RetrieveCommand({
      knowledgeBaseId: id,
      retrievalQuery: { text: request.query },
      retrievalConfiguration: {
        vectorSearchConfiguration: {
          numberOfResults: Math.min(PAGE, request.candidates),
          overrideSearchType: searchType,
          ...(filter.kind === 'filter' ? { filter: filter.filter } : {}),
        },
      },
      ...(nextToken === undefined ? {} : { nextToken }),
    }),
    { abortSignal: signal },
  );
}

function toCandidate({ chunkId, documentId, score }: Passage): ScoredCandidate {
  const relevance = score ?? 0;
  return {
    chunkId,
    documentId,
    score: relevance,
    explain: {
      method: 'managed',
      rank_constant: null,
      vector: null,
      keyword: null,
      relevance,
      recency: null,
    },
  };
}

async function reorder(
  reranker: Reranker,
  request: QueryRequest,
  candidates: readonly ScoredCandidate[],
  byId: ReadonlyMap<string, Passage>,
  options: CallOptions,
): Promise<{ readonly candidates: readonly ScoredCandidate[]; readonly warnings: readonly Warning[] }> {
  const { query, rerank } = request;
  if (rerank === undefined) return { candidates, warnings: [] };
  const textOf = ({ chunkId }: ScoredCandidate): string => byId.get(chunkId)?.text ?? '';
  return rerankCandidates(reranker, { query, rerank }, candidates, textOf, options);
}

function toHit(
  group: HitGroup,
  byId: ReadonlyMap<string, Passage>,
  explain: boolean,
  countTokens: (text: string) => number,
): Hit {
  const passage = passageOf(byId, group.best);
  return {
    ...spanOf(passage),
    document_id: passage.documentId,
    score: group.best.score,
    title: passage.title,
    source: passage.source,
    tokens: countTokens(passage.text),
    metadata: { ...passage.metadata },
    ...(explain ? { explain: group.best.explain } : {}),
    ...(group.more.length === 0
      ? {}
      : { more: group.more.map((other) => ({ ...spanOf(passageOf(byId, other)), score: other.score })) }),
  };
}

/** Where a passage stands in its document is not told: its span is its own. */
function spanOf({
  chunkId,
  text,
}: Passage): Pick<Hit, 'chunk_id' | 'ordinal' | 'heading_path' | 'text' | 'start' | 'end'> {
  return { chunk_id: chunkId, ordinal: 0, heading_path: [], text, start: 0, end: text.length };
}

function passageOf(byId: ReadonlyMap<string, Passage>, { chunkId }: ScoredCandidate): Passage {
  const found = byId.get(chunkId);
  if (found === undefined) throw new RetrievalError('internal', 'A ranked passage is gone');
  return found;
}
