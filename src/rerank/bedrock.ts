/** Reranking by Amazon Bedrock's Rerank. */
import { BedrockAgentRuntimeClient, RerankCommand } from '@aws-sdk/client-bedrock-agent-runtime';
import { z } from 'zod';
import { deadline } from '../bedrock/deadline.js';
import { fromAws, invalidAnswer } from '../bedrock/errors.js';
import type { Asked } from '../bedrock/errors.js';
import { clientConfig, modelArn } from '../bedrock/settings.js';
import type { BedrockSettings } from '../bedrock/settings.js';
import type { Reranker, RerankRequest, RerankScore } from './port.js';

/** A query waits for it, and may go on without. */
const TIMEOUT_MS = 15_000;

const answerSchema = z.object({
  results: z.array(z.object({ index: z.number().int().min(0), relevanceScore: z.number() })),
  nextToken: z.string().optional(),
});

/** A reranker whose client is made at its first use. */
export function createBedrockReranker(settings: BedrockSettings): Reranker {
  let opened: Promise<BedrockAgentRuntimeClient> | null = null;
  const open = (): Promise<BedrockAgentRuntimeClient> =>
    (opened ??= clientConfig(settings).then((config) => new BedrockAgentRuntimeClient(config)));

  return {
    async rerank(request, options = {}) {
      const limit = deadline(options.signal, TIMEOUT_MS);
      const asked: Asked = {
        what: `the reranker "${request.model}"`,
        permission: 'bedrock:Rerank and bedrock:InvokeModel',
        field: 'rerank.model',
      };
      try {
        const client = await open();
        const scores = await askAll(client, request, limit.signal, asked);
        return checked(scores, request, asked);
      } catch (error) {
        throw fromAws(error, asked, limit);
      }
    },

    async close() {
      (await opened?.catch(() => null))?.destroy();
    },
  };
}

/** An answer that does not fit into one response comes in several. */
async function askAll(
  client: BedrockAgentRuntimeClient,
  request: RerankRequest,
  signal: AbortSignal,
  asked: Asked,
): Promise<readonly RerankScore[]> {
  const region = await client.config.region();
  const scores: RerankScore[] = [];
  let nextToken: string | undefined;
  do {
    const reply: unknown = await client.send(
      new RerankCommand({
        queries: [{ type: 'TEXT', textQuery: { text: request.query } }],
        sources: request.texts.map((text) => ({
          type: 'INLINE',
          inlineDocumentSource: { type: 'TEXT', textDocument: { text } },
        })),
        rerankingConfiguration: {
          type: 'BEDROCK_RERANKING_MODEL',
          bedrockRerankingConfiguration: {
            numberOfResults: Math.min(request.topK, request.texts.length),
            modelConfiguration: { modelArn: modelArn(request.model, region) },
          },
        },
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
      { abortSignal: signal },
    );
    const parsed = answerSchema.safeParse(reply);
    if (!parsed.success) throw invalidAnswer(asked, 'its form');
    const page = parsed.data;
    scores.push(...page.results.map(({ index, relevanceScore }) => ({ index, score: relevanceScore })));
    // A service that gives tokens for ever must not keep us.
    if (page.nextToken !== undefined && (page.results.length === 0 || scores.length > request.texts.length)) {
      throw invalidAnswer(asked, 'it does not end');
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return scores;
}

/** Best first; equal scores stay in the order of the texts, so that pages never overlap. */
function checked(
  scores: readonly RerankScore[],
  request: RerankRequest,
  asked: Asked,
): readonly RerankScore[] {
  const wanted = Math.min(request.topK, request.texts.length);
  const known = new Set(scores.map(({ index }) => index));
  if (scores.length !== wanted || known.size !== wanted) throw invalidAnswer(asked, 'its number of results');
  if (scores.some(({ index }) => index >= request.texts.length))
    throw invalidAnswer(asked, 'an unknown index');
  return [...scores].sort((a, b) => b.score - a.score || a.index - b.index);
}
