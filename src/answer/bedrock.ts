/** Answers by any model that Amazon Bedrock's Converse takes. */
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import type { ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime';
import { z } from 'zod';
import { deadline } from '../bedrock/deadline.js';
import { fromAws, invalidAnswer } from '../bedrock/errors.js';
import type { Asked, Refusal } from '../bedrock/errors.js';
import { clientConfig } from '../bedrock/settings.js';
import type { BedrockSettings } from '../bedrock/settings.js';
import type { ChatEnd, ChatModel, ChatRequest } from './port.js';

/** Longer than any request of the service; a program without a limit of its own ends all the same. */
const TIMEOUT_MS = 300_000;

const REFUSALS: readonly Refusal[] = [
  {
    pattern: /too long|too many (?:input )?tokens|context (?:length|window)|exceeds? the (?:maximum|limit)/iu,
    advice: 'The prompt is longer than the model reads; lower prompt_tokens or top_k',
    field: 'prompt_tokens',
  },
  {
    pattern: /temperature/iu,
    advice: 'The model takes no such temperature; leave it out',
    field: 'temperature',
  },
  {
    pattern: /max_?tokens|maximum tokens/iu,
    advice: 'The model does not write that much; lower max_tokens',
    field: 'max_tokens',
  },
  {
    pattern: /system (?:messages?|prompts?)/iu,
    advice: 'The model takes no system prompt; use a template whose [system] part is empty',
    field: 'PLUMBLINE_ANSWER_PROMPT_FILE',
  },
];

const usageSchema = z
  .object({ inputTokens: z.number().int().min(0), outputTokens: z.number().int().min(0) })
  .transform(({ inputTokens, outputTokens }) => ({ inputTokens, outputTokens }));

const replySchema = z.object({
  output: z.object({
    message: z.object({ content: z.array(z.looseObject({ text: z.string().optional() })) }),
  }),
  stopReason: z.string(),
  usage: usageSchema.optional(),
});

const eventSchema = z.looseObject({
  contentBlockDelta: z.looseObject({ delta: z.looseObject({ text: z.string().optional() }) }).optional(),
  messageStop: z.looseObject({ stopReason: z.string() }).optional(),
  metadata: z.looseObject({ usage: usageSchema.optional() }).optional(),
});

/** A chat model whose client is made at its first use. */
export function createBedrockChat(settings: BedrockSettings): ChatModel {
  let opened: Promise<BedrockRuntimeClient> | null = null;
  const open = (): Promise<BedrockRuntimeClient> =>
    (opened ??= clientConfig(settings).then((config) => new BedrockRuntimeClient(config)));

  return {
    async converse(request, options = {}) {
      const limit = deadline(options.signal, TIMEOUT_MS);
      const asked = askedOf(request, 'bedrock:InvokeModel');
      try {
        const client = await open();
        const reply: unknown = await client.send(new ConverseCommand(inputOf(request)), {
          abortSignal: limit.signal,
        });
        const parsed = replySchema.safeParse(reply);
        if (!parsed.success) throw invalidAnswer(asked, 'its form');
        const { output, stopReason, usage = null } = parsed.data;
        return { text: output.message.content.map(({ text = '' }) => text).join(''), stopReason, usage };
      } catch (error) {
        throw fromAws(error, asked, limit);
      }
    },

    async *stream(request, options = {}) {
      const limit = deadline(options.signal, TIMEOUT_MS);
      const asked = askedOf(request, 'bedrock:InvokeModelWithResponseStream');
      try {
        const client = await open();
        const { stream } = await client.send(new ConverseStreamCommand(inputOf(request)), {
          abortSignal: limit.signal,
        });
        if (stream === undefined) throw invalidAnswer(asked, 'it has no stream');
        let stopReason: string | null = null;
        let usage: ChatEnd['usage'] = null;
        for await (const event of stream) {
          const parsed = eventSchema.safeParse(event);
          if (!parsed.success) throw invalidAnswer(asked, 'an event of its stream');
          const { contentBlockDelta, messageStop, metadata } = parsed.data;
          const text = contentBlockDelta?.delta.text ?? '';
          if (text !== '') yield { kind: 'text', text };
          stopReason = messageStop?.stopReason ?? stopReason;
          usage = metadata?.usage ?? usage;
        }
        // A connection that ends early looks like an end; only the model's own word is one.
        if (stopReason === null) throw invalidAnswer(asked, 'its stream ended early');
        yield { kind: 'end', stopReason, usage };
      } catch (error) {
        throw fromAws(error, asked, limit);
      } finally {
        limit.end();
      }
    },

    async close() {
      (await opened?.catch(() => null))?.destroy();
    },
  };
}

function inputOf(request: ChatRequest): ConverseCommandInput {
  return {
    modelId: request.model,
    ...(request.system === '' ? {} : { system: [{ text: request.system }] }),
    messages: [{ role: 'user', content: [{ text: request.prompt }] }],
    inferenceConfig: {
      maxTokens: request.maxTokens,
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    },
  };
}

function askedOf({ model }: ChatRequest, permission: string): Asked {
  return { what: `the answer model "${model}"`, permission, field: 'model', refusals: REFUSALS };
}
