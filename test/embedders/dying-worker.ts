/** The real worker, in a thread that dies of certain texts and signs for others: for the pool's tests. */
import { appendFileSync, rmSync } from 'node:fs';
import { parentPort, threadId } from 'node:worker_threads';
import type { ToWorker } from '../../src/embedders/minilm/protocol.js';

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind !== 'task') return;
  if (message.text === 'deadly') process.exit(1);
  const signed = /^signed in (?<file>\S+)/u.exec(message.text)?.groups?.['file'];
  if (signed !== undefined) appendFileSync(signed, `${String(threadId)}\n`);
  const once = /^deadly while (?<file>.+) is there$/u.exec(message.text)?.groups?.['file'];
  if (once === undefined) return;
  try {
    rmSync(once);
  } catch {
    return;
  }
  process.exit(1);
});

await import('../../src/embedders/minilm/worker.js');
