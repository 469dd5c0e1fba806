/** Answers from a knowledge base by its own RetrieveAndGenerate, as the events of any answer. */
import {
  RetrieveAndGenerateCommand,
  RetrieveAndGenerateStreamCommand,
} from '@aws-sdk/client-bedrock-agent-runtime';
import type {
  KnowledgeBaseVectorSearchConfiguration,
  RetrieveAndGenerateCommandInput,
} from '@aws-sdk/client-bedrock-agent-runtime';
import { z } from 'zod';
import { NOT_KNOWN, answerModel } from '../answer/answer.js';
import type { AnswerSettings } from '../answer/answer.js';
import type { AnswerEvent, AnswerHead, AnswerRequest } from '../answer/schema.js';
import { deadline } from '../bedrock/deadline.js';
import { fromAws, invalidAnswer } from '../bedrock/errors.js';
import { modelArn } from '../bedrock/settings.js';
import type { Warning } from '../retrieval/schema.js';
import type { CallOptions } from '../stores/port.js';
import { createCited } from './cited.js';
import type { Cited } from './cited.js';
import { askedOf } from './clients.js';
import type { KnowledgeBaseClients } from './clients.js';
import { toSearch, unsupported } from './request.js';
import type { Search } from './request.js';
import { passageSchema } from './results.js';
import { modelVersionOf } from './types.js';
import type { KnowledgeBase } from './types.js';

/** Most results that it can be given to answer from. */
const MAX_RESULTS = 100;
const TIMEOUT_MS = 300_000;

const citationSchema = z.looseObject({
  generatedResponsePart: z
    .looseObject({
      textResponsePart: z
        .looseObject({
          text: z.string().optional(),
          span: z.looseObject({ start: z.number().int().optional() }).optional(),
        })
        .optional(),
    })
    .optional(),
  retrievedReferences: z.array(passageSchema).optional(),
});

const answerSchema = z.looseObject({
  output: z.looseObject({ text: z.string() }),
  citations: z.array(citationSchema).optional(),
  guardrailAction: z.string().optional(),
});

const eventSchema = z.looseObject({
  output: z.looseObject({ text: z.string() }).optional(),
  citation: citationSchema.extend({ citation: citationSchema.optional() }).optional(),
  guardrail: z.looseObject({ action: z.string().optional() }).optional(),
});

export interface ManagedAnswerPorts {
  readonly clients: KnowledgeBaseClients;
  readonly settings: Pick<AnswerSettings, 'model' | 'maxTokens'>;
}

/** What has come so far. */
interface Progress {
  text: string;
  guardrail: string | null;
  readonly cited: Cited;
}

/** Its sources are known only with its citations, so the event `sources` comes twice: empty, then full. */
export async function* answerManaged(
  ports: ManagedAnswerPorts,
  knowledgeBase: KnowledgeBase,
  request: AnswerRequest,
  how: 'whole' | 'streamed',
  options: CallOptions,
): AsyncGenerator<AnswerEvent> {
  const began = performance.now();
  const model = answerModel(request, ports.settings);
  const search = toSearch(knowledgeBase, request);
  assertAnswerable(request);
  const head: AnswerHead = {
    collection: knowledgeBase.name,
    generation: 0,
    model_version: modelVersionOf(knowledgeBase),
    model,
  };
  yield { event: 'sources', data: { ...head, sources: [] } };
  const progress: Progress = { text: '', guardrail: null, cited: createCited(knowledgeBase) };
  let asked = false;
  if (search.filter.kind === 'none') {
    progress.text = NOT_KNOWN;
    yield { event: 'text', data: { text: NOT_KNOWN } };
  } else {
    asked = true;
    const ask = how === 'whole' ? askWhole : askStreamed;
    for await (const text of ask(ports, knowledgeBase, request, search, model, progress, options)) {
      progress.text += text;
      yield { event: 'text', data: { text } };
    }
  }
  const { sources, citations, lost } = progress.cited.finish(progress.text);
  yield { event: 'sources', data: { ...head, sources } };
  const warnings = asked ? [...warningsOf(progress, citations.length, lost)] : [];
  yield { event: 'citations', data: { citations, warnings } };
  const total = performance.now() - began;
  yield {
    event: 'done',
    data: {
      grounded: citations.length > 0,
      stop_reason: null,
      usage: null,
      // Both happen in one call.
      took_ms: { retrieve: 0, generate: total, total },
    },
  };
}

type Ask = (
  ports: ManagedAnswerPorts,
  knowledgeBase: KnowledgeBase,
  request: AnswerRequest,
  search: Search,
  model: string,
  progress: Progress,
  options: CallOptions,
) => AsyncGenerator<string>;

const askWhole: Ask = async function* (ports, knowledgeBase, request, search, model, progress, options) {
  const limit = deadline(options.signal, TIMEOUT_MS);
  const asked = askedOf(knowledgeBase, PERMISSIONS);
  try {
    const client = await ports.clients.of(knowledgeBase);
    const input = inputOf(knowledgeBase, request, search, model, await client.config.region(), ports);
    const reply: unknown = await client.send(new RetrieveAndGenerateCommand(input), {
      abortSignal: limit.signal,
    });
    const parsed = answerSchema.safeParse(reply);
    if (!parsed.success) throw invalidAnswer(asked, 'its form');
    const { output, citations = [], guardrailAction = null } = parsed.data;
    for (const citation of citations) addCitation(progress.cited, citation);
    progress.guardrail = guardrailAction;
    yield output.text;
  } catch (error) {
    throw fromAws(error, asked, limit);
  }
};

const askStreamed: Ask = async function* (ports, knowledgeBase, request, search, model, progress, options) {
  const limit = deadline(options.signal, TIMEOUT_MS);
  const asked = askedOf(knowledgeBase, PERMISSIONS);
  try {
    const client = await ports.clients.of(knowledgeBase);
    const input = inputOf(knowledgeBase, request, search, model, await client.config.region(), ports);
    const { stream } = await client.send(new RetrieveAndGenerateStreamCommand(input), {
      abortSignal: limit.signal,
    });
    if (stream === undefined) throw invalidAnswer(asked, 'it has no stream');
    for await (const event of stream) {
      const parsed = eventSchema.safeParse(event);
      if (!parsed.success) throw invalidAnswer(asked, 'an event of its stream');
      const { output, citation, guardrail } = parsed.data;
      // Older answers hold the citation in a member of its own.
      if (citation !== undefined) addCitation(progress.cited, citation.citation ?? citation);
      progress.guardrail = guardrail?.action ?? progress.guardrail;
      if (output !== undefined && output.text !== '') yield output.text;
    }
  } catch (error) {
    throw fromAws(error, asked, limit);
  } finally {
    limit.end();
  }
};

const PERMISSIONS = 'bedrock:RetrieveAndGenerate, bedrock:Retrieve and bedrock:InvokeModel';

function addCitation(cited: Cited, citation: z.output<typeof citationSchema>): void {
  const part = citation.generatedResponsePart?.textResponsePart;
  cited.add(part?.text ?? '', part?.span?.start ?? null, citation.retrievedReferences ?? []);
}

function inputOf(
  { id }: KnowledgeBase,
  request: AnswerRequest,
  search: Search,
  model: string,
  region: string,
  { settings }: ManagedAnswerPorts,
): RetrieveAndGenerateCommandInput {
  return {
    input: { text: request.query },
    retrieveAndGenerateConfiguration: {
      type: 'KNOWLEDGE_BASE',
      knowledgeBaseConfiguration: {
        knowledgeBaseId: id,
        modelArn: modelArn(model, region),
        retrievalConfiguration: { vectorSearchConfiguration: searchOf(request, search, region) },
        generationConfiguration: {
          inferenceConfig: {
            textInferenceConfig: {
              maxTokens: request.max_tokens ?? settings.maxTokens,
              ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
            },
          },
        },
      },
    },
  };
}

function searchOf(
  { top_k: topK, rerank }: AnswerRequest,
  { searchType, filter }: Search,
  region: string,
): KnowledgeBaseVectorSearchConfiguration {
  return {
    numberOfResults: rerank === undefined ? topK : Math.min(MAX_RESULTS, rerank.candidates),
    overrideSearchType: searchType,
    ...(filter.kind === 'filter' ? { filter: filter.filter } : {}),
    ...(rerank === undefined
      ? {}
      : {
          rerankingConfiguration: {
            type: 'BEDROCK_RERANKING_MODEL',
            bedrockRerankingConfiguration: {
              modelConfiguration: { modelArn: modelArn(rerank.model, region) },
              numberOfRerankedResults: Math.min(topK, rerank.top_k ?? topK, rerank.candidates),
            },
          },
        }),
  };
}

/** Retrieval and prompt are its own: what would change them is refused rather than left aside. */
function assertAnswerable(request: AnswerRequest): void {
  if (request.min_score !== undefined) {
    throw unsupported('min_score', 'no least score when it answers; leave min_score out, or query it');
  }
  if (request.prompt_tokens !== undefined) {
    throw unsupported('prompt_tokens', 'a prompt of its own; leave prompt_tokens out, and lower top_k');
  }
  if (request.rerank?.on_failure === 'fused_order') {
    throw unsupported(
      'rerank.on_failure',
      'no order to fall back to when it answers; send on_failure "fail"',
    );
  }
}

function warningsOf({ text, guardrail }: Progress, citations: number, lost: number): readonly Warning[] {
  const warnings: Warning[] = [];
  if (guardrail === 'INTERVENED') {
    warnings.push({
      code: 'answer_withheld',
      message: 'A guardrail of the knowledge base changed or withheld the answer',
    });
  }
  if (lost > 0) {
    warnings.push({
      code: 'citations_unplaced',
      message: `${String(lost)} citations are of words that are not in the answer; they were left out`,
    });
  }
  if (text.trim() === '') warnings.push({ code: 'empty_answer', message: 'The model wrote nothing' });
  else if (citations === 0) {
    warnings.push({
      code: 'no_citations',
      message: 'The model cited no source; nothing supports this answer',
    });
  }
  return warnings;
}
