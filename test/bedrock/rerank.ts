/** Rerank: scores by the words that question and source have in common. */
import type { RerankCommandInput, RerankCommandOutput } from '@aws-sdk/client-bedrock-agent-runtime';
import { awsError } from './server.js';
import type { FakeHandler } from './server.js';
import { Refused, answering, assertLength, assertRange, inputOf, overlap, refuse } from './validation.js';

export interface RerankOptions {
  /** Results of one response; the rest by nextToken. */
  readonly pageSize?: number;
  /** The score of a source; words in common when absent. */
  readonly score?: (query: string, text: string, index: number) => number;
}

const ARN = /^arn:aws:bedrock:([a-z0-9-]+)::foundation-model\/(amazon\.rerank-v1:0|cohere\.rerank-v3-5:0)$/u;

export function rerankHandler(options: RerankOptions = {}): FakeHandler {
  return (request) => {
    if (request.path !== '/rerank' || request.method !== 'POST') return null;
    return answering(() => {
      const input = inputOf(request) as RerankCommandInput;
      const { queries = [], sources = [], rerankingConfiguration, nextToken } = input;
      if (queries.length !== 1) throw refuse("'queries' must have exactly 1 member");
      const query = assertLength('queries.textQuery.text', queries[0]?.textQuery?.text, 1, 32_000);
      if (sources.length < 1 || sources.length > 1000)
        throw refuse("'sources' must have between 1 and 1000 members");
      const texts = sources.map(({ type, inlineDocumentSource }) => {
        if (type !== 'INLINE' || inlineDocumentSource?.type !== 'TEXT') throw refuse('sources.type');
        return assertLength(
          'sources.inlineDocumentSource.textDocument.text',
          inlineDocumentSource.textDocument?.text,
          1,
          32_000,
        );
      });
      if (rerankingConfiguration?.type !== 'BEDROCK_RERANKING_MODEL')
        throw refuse('rerankingConfiguration.type');
      const { numberOfResults, modelConfiguration } =
        rerankingConfiguration.bedrockRerankingConfiguration ?? {};
      assertRange('numberOfResults', numberOfResults, 1, 1000);
      if (numberOfResults !== undefined && numberOfResults > texts.length) {
        throw refuse('numberOfResults must not be greater than the number of sources');
      }
      const model = assertLength('modelArn', modelConfiguration?.modelArn, 1, 2048);
      if (!ARN.test(model)) throw new Refused(awsError('ResourceNotFoundException', 404, 'Model not found'));
      const score = options.score ?? overlap;
      const all = texts
        .map((text, index) => ({ index, relevanceScore: score(query, text, index) }))
        .sort((a, b) => b.relevanceScore - a.relevanceScore)
        .slice(0, numberOfResults);
      const from = nextToken === undefined ? 0 : Number(nextToken);
      const end = from + (options.pageSize ?? all.length);
      const body = {
        results: all.slice(from, end),
        ...(end < all.length ? { nextToken: String(end) } : {}),
      } satisfies Omit<RerankCommandOutput, '$metadata'>;
      return { kind: 'json', body };
    });
  };
}
