/** The loopback server's InvokeModelWithResponseStream, read by the SDK's own client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { BedrockRuntimeClient, InvokeModelWithResponseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import type { InvokeModelWithResponseStreamCommandOutput } from '@aws-sdk/client-bedrock-runtime';
import { clientConfig } from '../../src/bedrock/settings.js';
import { REFUSING_MODELS, converseHandler } from './converse.js';
import type { Said } from './converse.js';
import { useTestCredentials } from './embed-support.js';
import { eventFrame, exceptionFrame } from './event-stream.js';
import { startFakeBedrock } from './server.js';
import type { FakeBedrock } from './server.js';

const MODEL = 'amazon.nova-lite-v1:0';

interface Opened {
  readonly fake: FakeBedrock;
  readonly invoke: (
    body?: object,
    modelId?: string,
    signal?: AbortSignal,
  ) => Promise<InvokeModelWithResponseStreamCommandOutput>;
}

async function open(
  t: TestContext,
  said: Said = { text: 'Leave is thirty days – or more 🌴.' },
): Promise<Opened> {
  useTestCredentials();
  const fake = await startFakeBedrock({ handlers: [converseHandler({ say: () => said })] });
  const settings = { region: 'us-east-1', profile: null, roleArn: null, endpoint: fake.url, maxAttempts: 1 };
  const client = new BedrockRuntimeClient(await clientConfig(settings));
  t.after(async () => {
    client.destroy();
    await fake.close();
  });
  return {
    fake,
    invoke: (
      body = { messages: [{ role: 'user', content: [{ text: 'How long?' }] }] },
      modelId = MODEL,
      signal,
    ) =>
      client.send(
        new InvokeModelWithResponseStreamCommand({
          modelId,
          contentType: 'application/json',
          body: JSON.stringify(body),
        }),
        signal === undefined ? {} : { abortSignal: signal },
      ),
  };
}

/** The model's own events, in order. */
async function readAll(
  output: InvokeModelWithResponseStreamCommandOutput,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const events: Readonly<Record<string, unknown>>[] = [];
  for await (const { chunk } of output.body ?? []) {
    assert.ok(chunk?.bytes instanceof Uint8Array);
    events.push(JSON.parse(new TextDecoder().decode(chunk.bytes)) as Readonly<Record<string, unknown>>);
  }
  return events;
}

test('chunks hold the model’s own events, whole and in order', async (t) => {
  const said = {
    text: 'Leave is thirty days – or more 🌴.',
    pieces: ['Leave is thirty ', 'days – or ', 'more 🌴.'],
  };
  const { fake, invoke } = await open(t, said);
  const output = await invoke();
  assert.equal(output.contentType, 'application/json');
  const events = await readAll(output);
  assert.deepEqual(
    events.map((event) => Object.keys(event)[0]),
    [
      'messageStart',
      ...said.pieces.map(() => 'contentBlockDelta'),
      'contentBlockStop',
      'messageStop',
      'metadata',
    ],
  );
  const text = events
    .map(
      ({ contentBlockDelta }) =>
        contentBlockDelta as { readonly delta: { readonly text: string } } | undefined,
    )
    .map((delta) => delta?.delta.text ?? '')
    .join('');
  assert.equal(text, said.text);
  assert.deepEqual(events.at(-2), { messageStop: { stopReason: 'end_turn' } });
  assert.equal(fake.requests[0]?.path, `/model/${encodeURIComponent(MODEL)}/invoke-with-response-stream`);
});

test('what is refused is refused before the stream', async (t) => {
  const { invoke } = await open(t);
  await assert.rejects(invoke({ messages: [] }), { name: 'ValidationException' });
  await assert.rejects(invoke(undefined, REFUSING_MODELS.noAccess), { name: 'AccessDeniedException' });
});

test('an exception in mid-stream is thrown as the SDK’s own', async (t) => {
  const { fake, invoke } = await open(t);
  const chunk = { bytes: Buffer.from('{"messageStart":{"role":"assistant"}}').toString('base64') };
  fake.fail({
    kind: 'reply',
    reply: {
      kind: 'events',
      frames: [eventFrame('chunk', chunk), exceptionFrame('modelStreamErrorException', 'The model broke')],
    },
  });
  await assert.rejects(readAll(await invoke()), { name: 'ModelStreamErrorException' });
});

test('a frame that was changed or cut on its way is noticed', async (t) => {
  const { fake, invoke } = await open(t);
  const frame = eventFrame('chunk', { bytes: Buffer.from('{}').toString('base64') });
  frame.writeUInt8(frame.readUInt8(frame.length - 6) ^ 1, frame.length - 6);
  fake.fail({ kind: 'reply', reply: { kind: 'events', frames: [frame] } }, { kind: 'half' });
  await assert.rejects(async () => readAll(await invoke()), /checksum/iu);
  await assert.rejects(async () => readAll(await invoke()));
});

test('a client that leaves ends the stream', async (t) => {
  let leave: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (leave = resolve));
  const { invoke } = await open(t, { text: 'On and on', onGone: leave });
  const controller = new AbortController();
  const { body } = await invoke(undefined, MODEL, controller.signal);
  for await (const { chunk } of body ?? []) {
    assert.ok(chunk !== undefined);
    break;
  }
  controller.abort();
  await gone;
});
