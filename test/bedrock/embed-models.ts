/**
 * The embedding models of the loopback server: vectors drawn from the text's hash, so that equal
 * texts have equal vectors; and the limits that AWS documents, refused in AWS' words.
 */
import { createHash } from 'node:crypto';
import { createTiktokenTokenizer } from '../../src/chunking/tiktoken.js';
import { awsError } from './server.js';
import type { FakeError, FakeHandler, FakeReply, FakeRequest } from './server.js';

export interface EmbedModelsOptions {
  /** Another model of the same name: its vectors are turned by this part of a foreign direction. */
  readonly drift?: () => number;
  /** How the model counts; by cl100k_base when absent. */
  readonly countTokens?: (text: string) => number;
}

export interface EmbedModels {
  readonly handler: FakeHandler;
  /** What was embedded and answered, in order: one entry a text. */
  readonly embedded: { readonly model: string; readonly inputType: string; readonly text: string }[];
  /** Tokens of all that was answered. */
  tokens(): number;
}

const TITAN = 'amazon.titan-embed-text-v2:0';
const COHERE = ['cohere.embed-english-v3', 'cohere.embed-multilingual-v3'];
const INVOKE = /^\/model\/([^/]+)\/invoke$/u;

export function createEmbedModels(options: EmbedModelsOptions = {}): EmbedModels {
  const counter = createTiktokenTokenizer(8192);
  const count = options.countTokens ?? ((text: string): number => counter.count(text));
  const drift = options.drift ?? (() => 0);
  const embedded: { model: string; inputType: string; text: string }[] = [];
  let tokens = 0;
  const answered = (model: string, inputType: string, texts: readonly string[]): number => {
    const sum = texts.reduce((total, text) => total + count(text), 0);
    for (const text of texts) embedded.push({ model, inputType, text });
    tokens += sum;
    return sum;
  };
  const vector = (model: string, inputType: string, text: string, dimensions: number): number[] =>
    fakeVector(`${model}|${inputType}|${text}`, dimensions, drift());

  const titan = (body: Readonly<Record<string, unknown>>): FakeReply => {
    const extra = unknownKey(body, ['inputText', 'dimensions', 'normalize', 'embeddingTypes']);
    if (extra !== null) return malformed(`extraneous key [${extra}] is not permitted`);
    const { inputText, dimensions = 1024, normalize = true, embeddingTypes = ['float'] } = body;
    if (typeof inputText !== 'string') return malformed('required key [inputText] not found');
    if (inputText === '') return malformed('#/inputText: expected minLength: 1, actual: 0');
    if (inputText.length > 50_000) {
      return malformed(`expected maxLength: 50000, actual: ${String(inputText.length)}`);
    }
    if (typeof dimensions !== 'number' || ![1024, 512, 256].includes(dimensions)) {
      return malformed('#/dimensions: not a valid enum value');
    }
    if (normalize !== true || JSON.stringify(embeddingTypes) !== '["float"]') {
      return malformed('this test server has normalised floats only');
    }
    if (count(inputText) > 8192) {
      return validation(
        `400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: ${String(count(inputText))}`,
      );
    }
    const inputTextTokenCount = answered(TITAN, '', [inputText]);
    const embedding = vector(TITAN, '', inputText, dimensions);
    return { kind: 'json', body: { embedding, embeddingsByType: { float: embedding }, inputTextTokenCount } };
  };

  const cohere = (model: string, body: Readonly<Record<string, unknown>>): FakeReply => {
    const extra = unknownKey(body, ['texts', 'input_type', 'truncate', 'embedding_types', 'images']);
    if (extra !== null) return malformed(`extraneous key [${extra}] is not permitted`);
    const { texts, input_type: inputType, truncate = 'NONE', embedding_types: types } = body;
    if (!Array.isArray(texts)) return malformed('required key [texts] not found');
    if (inputType !== 'search_document' && inputType !== 'search_query') {
      return malformed('required key [input_type] not found');
    }
    if (texts.length > 96) {
      return malformed(`#/texts: expected maximum item count: 96, found: ${String(texts.length)}`);
    }
    const strings: string[] = [];
    for (const [index, text] of (texts as readonly unknown[]).entries()) {
      if (typeof text !== 'string' || text === '') {
        return malformed(`#/texts/${String(index)}: expected minLength: 1, actual: 0`);
      }
      if (text.length > 2048) {
        return malformed(
          `#/texts/${String(index)}: expected maxLength: 2048, actual: ${String(text.length)}`,
        );
      }
      if (count(text) > 512 && truncate === 'NONE') {
        return validation('too long: total number of tokens in the text exceeds the maximum tokens of 512');
      }
      strings.push(text);
    }
    const sum = answered(model, inputType, strings);
    // Not of unit length: whoever needs that has to see to it.
    const float = strings.map((text) => vector(model, inputType, text, 1024).map((value) => value * 1.5));
    const isTyped = Array.isArray(types) && types.includes('float');
    return {
      kind: 'json',
      headers: { 'x-amzn-bedrock-input-token-count': String(sum) },
      body: {
        id: 'answer',
        texts: strings,
        response_type: isTyped ? 'embeddings_by_type' : 'embeddings_floats',
        embeddings: isTyped ? { float } : float,
      },
    };
  };

  return {
    embedded,
    tokens: () => tokens,
    handler(request: FakeRequest) {
      const id = INVOKE.exec(request.path)?.[1];
      if (id === undefined || request.method !== 'POST') return null;
      const model = modelOf(decodeURIComponent(id));
      if (model === null) return validation('The provided model identifier is invalid.');
      const body = (request.body ?? {}) as Readonly<Record<string, unknown>>;
      return model === TITAN ? titan(body) : cohere(model, body);
    },
  };
}

/** A model by its id, or by the ARN of an inference profile that ends in it. */
function modelOf(id: string): string | null {
  return [TITAN, ...COHERE].find((model) => id === model || id.endsWith(`.${model}`)) ?? null;
}

function unknownKey(body: object, known: readonly string[]): string | null {
  return Object.keys(body).find((key) => !known.includes(key)) ?? null;
}

function malformed(what: string): FakeError {
  return validation(`Malformed input request: ${what}, please reformat your input and try again.`);
}

function validation(message: string): FakeError {
  return awsError('ValidationException', 400, message);
}

/** Unit length, drawn from a hash; `drift` mixes in a direction that is the same for all texts. */
function fakeVector(key: string, dimensions: number, drift: number): number[] {
  let seed = createHash('sha256').update(key).digest().readUInt32LE();
  const numbers = Array.from({ length: dimensions }, (_, index) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32 - 0.5 + drift * Math.sin(index);
  });
  const length = Math.hypot(...numbers);
  return numbers.map((value) => Math.fround(value / length));
}
