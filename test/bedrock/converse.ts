/** Converse, ConverseStream, and InvokeModelWithResponseStream, which Nova answers in the same words. */
import type {
  ConverseCommandInput,
  ConverseCommandOutput,
  ConverseStreamOutput,
  PayloadPart,
} from '@aws-sdk/client-bedrock-runtime';
import { eventFrame } from './event-stream.js';
import { awsError } from './server.js';
import type { FakeHandler } from './server.js';
import { Refused, answering, assertLength, assertRange, inputOf, refuse } from './validation.js';

export interface Said {
  readonly text: string;
  /** `end_turn` when absent. */
  readonly stopReason?: string;
  /** The pieces of the stream; each of seven characters when absent. */
  readonly pieces?: readonly string[];
  /** The stream stays open behind the text; called when the client has gone. */
  readonly onGone?: () => void;
}

export interface ConverseOptions {
  /** What the model says to this. */
  readonly say: (input: ConverseCommandInput) => Said;
  /** Tokens that every model here reads, four characters each. */
  readonly window?: number;
}

const MODELS = new Set(['amazon.nova-lite-v1:0', 'us.anthropic.claude-sonnet-4-20250514-v1:0']);
const NO_ACCESS = 'amazon.titan-text-lite-v1';
const PROFILE_ONLY = 'anthropic.claude-sonnet-4-20250514-v1:0';

/** Models without access and without on-demand throughput, as some of every account are. */
export const REFUSING_MODELS = { noAccess: NO_ACCESS, profileOnly: PROFILE_ONLY } as const;

export function converseHandler(options: ConverseOptions): FakeHandler {
  return (request) => {
    const match = /^\/model\/([^/]+)\/(converse|converse-stream|invoke-with-response-stream)$/u.exec(
      request.path,
    );
    if (match === null || request.method !== 'POST') return null;
    return answering(() => {
      const input = inputOf(request) as ConverseCommandInput;
      checkModel(decodeURIComponent(match[1] ?? ''));
      const characters = checkInput(input, options.window ?? 200_000);
      const said = options.say(input);
      const usage = {
        inputTokens: Math.ceil(characters / 4),
        outputTokens: Math.ceil(said.text.length / 4),
        totalTokens: Math.ceil(characters / 4) + Math.ceil(said.text.length / 4),
      };
      const stopReason = (said.stopReason ?? 'end_turn') as ConverseCommandOutput['stopReason'];
      if (match[2] === 'converse') {
        const body = {
          output: { message: { role: 'assistant', content: [{ text: said.text }] } },
          stopReason,
          usage,
          metrics: { latencyMs: 12 },
        } satisfies Omit<ConverseCommandOutput, '$metadata'>;
        return { kind: 'json', body };
      }
      const events = [
        { messageStart: { role: 'assistant' } },
        ...(said.pieces ?? piecesOf(said.text)).map((text) => ({
          contentBlockDelta: { delta: { text }, contentBlockIndex: 0 },
        })),
        ...(said.onGone === undefined
          ? [
              { contentBlockStop: { contentBlockIndex: 0 } },
              { messageStop: { stopReason } },
              { metadata: { usage, metrics: { latencyMs: 12 } } },
            ]
          : []),
      ] satisfies readonly Partial<ConverseStreamOutput>[];
      const gone = said.onGone === undefined ? {} : { onGone: said.onGone };
      if (match[2] === 'invoke-with-response-stream') {
        const headers = { 'x-amzn-bedrock-content-type': 'application/json' };
        return { kind: 'events', frames: events.map(chunkFrame), headers, ...gone };
      }
      const frames = events.flatMap((event) =>
        Object.entries(event).map(([type, payload]) => eventFrame(type, payload)),
      );
      return { kind: 'events', frames, ...gone };
    });
  };
}

/** The model's own JSON as bytes, which JSON carries in base64; `p` pads it, so that its length tells nothing. */
function chunkFrame(event: object): Buffer {
  const part: PayloadPart = { bytes: Buffer.from(JSON.stringify(event)) };
  return eventFrame('chunk', { bytes: Buffer.from(part.bytes ?? []).toString('base64'), p: 'abcdefghij' });
}

function piecesOf(text: string): readonly string[] {
  return text.match(/[\s\S]{1,7}/gu) ?? [];
}

function checkModel(model: string): void {
  if (model === NO_ACCESS) {
    throw new Refused(
      awsError(
        'AccessDeniedException',
        403,
        "You don't have access to the model with the specified model ID.",
      ),
    );
  }
  if (model === PROFILE_ONLY) {
    throw refuse(
      `Invocation of model ID ${model} with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.`,
    );
  }
  if (!MODELS.has(model)) throw refuse('The provided model identifier is invalid.');
}

/** Answers how many characters were read. */
function checkInput(
  { messages = [], system = [], inferenceConfig }: ConverseCommandInput,
  window: number,
): number {
  const [first] = messages;
  if (first === undefined) throw refuse('The messages field is empty. Add a message and try again.');
  if (first.role !== 'user') throw refuse('A conversation must start with a user message.');
  let characters = 0;
  for (const { content = [] } of messages) {
    for (const block of content) {
      const text = assertLength('messages.content.text', block.text, 1, 10_000_000);
      if (text.trim() === '') throw refuse('The text field in the ContentBlock object is blank.');
      characters += text.length;
    }
  }
  for (const block of system) characters += assertLength('system.text', block.text, 1, 10_000_000).length;
  assertRange('inferenceConfig.maxTokens', inferenceConfig?.maxTokens, 1, 1_000_000);
  const { temperature } = inferenceConfig ?? {};
  if (temperature !== undefined && (temperature < 0 || temperature > 1)) {
    throw refuse('temperature must be between 0 and 1');
  }
  if (characters / 4 > window)
    throw refuse(`Input is too long for requested model. ${first.content?.[0]?.text ?? ''}`);
  return characters;
}
