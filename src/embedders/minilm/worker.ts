/** A worker thread: tokenises and embeds one text after the other, off the event loop. */
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.js';
import { openSession, type EmbedIds } from './session.js';
import { readTokenizer, type MiniLmTokenizer } from './tokenizer.js';

type Task = Extract<ToWorker, { kind: 'task' }>;

if (parentPort === null) throw new Error('This file is run by the pool, in a worker thread.');
const port = parentPort;

const send = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void => {
  port.postMessage(message, transfer);
};

try {
  const settings = workerData as WorkerSettings;
  const [embedIds, tokenizer] = await Promise.all([
    openSession(settings.weightsPath),
    readTokenizer(settings.tokenizerPath, settings.tokenizerSha256, settings.maxTokens),
  ]);
  // The first run allocates; nobody's query should pay for it.
  await embedIds(tokenizer.encode(''));
  work(embedIds, tokenizer);
  send({ kind: 'ready' });
} catch (error) {
  send({ kind: 'broken', reason: reasonOf(error) });
}

function work(embedIds: EmbedIds, tokenizer: MiniLmTokenizer): void {
  const urgent: Task[] = [];
  const waiting: Task[] = [];
  const cancelled = new Set<number>();
  let running = false;

  port.on('message', (message: ToWorker) => {
    if (message.kind === 'cancel') {
      const notBegun = new Set(waiting.map((task) => task.id));
      for (const id of message.ids) if (notBegun.has(id)) cancelled.add(id);
      return;
    }
    if (message.kind === 'end') {
      urgent.length = 0;
      waiting.length = 0;
      // Without its port the thread ends by itself, once nothing runs any more.
      port.close();
      return;
    }
    (message.urgent ? urgent : waiting).push(message);
    if (!running) void run();
  });

  async function run(): Promise<void> {
    running = true;
    for (let task = urgent.shift() ?? waiting.shift(); task !== undefined;) {
      if (cancelled.delete(task.id)) send({ kind: 'skipped', id: task.id });
      else await perform(task);
      // Lets messages in before choosing, so that a query waits for one text at most.
      if (waiting.length > 0) await setImmediate();
      task = urgent.shift() ?? waiting.shift();
    }
    running = false;
  }

  async function perform(task: Task): Promise<void> {
    try {
      const ids = tokenizer.encode(task.text);
      const tokens = ids.length - 2;
      if (tokens > tokenizer.maxTokens) {
        send({ kind: 'too_long', id: task.id, tokens });
        return;
      }
      const vector = await embedIds(ids);
      send({ kind: 'vector', id: task.id, vector }, [vector.buffer as ArrayBuffer]);
    } catch (error) {
      send({ kind: 'failed', id: task.id, reason: reasonOf(error) });
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
