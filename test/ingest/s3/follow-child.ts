/**
 * Follows a queue into a store on disk and writes a byte to stdout before and after every step, so
 * that the parent can end this process at any of them. Ends by itself when the queue stays empty.
 */
import { loadConfig } from '../../../src/config.js';
import { followQueue } from '../../../src/ingest/sources/s3/follow.js';
import { parseS3Url } from '../../../src/ingest/sources/s3/location.js';
import { createS3Objects } from '../../../src/ingest/sources/s3/objects.js';
import { applyPorts } from '../../../src/ingest/sources/s3/ports.js';
import { createEventQueue, type EventQueue } from '../../../src/ingest/sources/s3/queue.js';
import { createSequencers } from '../../../src/ingest/sources/s3/sequencers.js';
import { openRuntime } from '../../../src/runtime.js';
import { createFakeEmbedder } from '../../support/fake-embedder.js';
import { openS3Client, openSqsClient } from '../../support/s3.js';
import { mark, marked } from '../../crash/marks.js';
import { openCrashStore } from '../../crash/store.js';

const LONG_POLL_SECONDS = 2;
/** Short, so that what a killed process held comes again soon. */
const VISIBILITY_SECONDS = 1;

const [, , storeUrl = '', bucketUrl = '', queueUrl = ''] = process.argv;

const controller = new AbortController();

/** Stops when nothing came for a long poll, which is longer than a message stays hidden. */
function untilEmpty(queue: EventQueue): EventQueue {
  return {
    ...queue,
    async receive(...args) {
      const messages = await queue.receive(...args);
      if (messages.length === 0) controller.abort();
      return messages;
    },
  };
}

const embedder = createFakeEmbedder({ before: mark });
const runtime = await openRuntime(loadConfig({}), {
  store: marked(await openCrashStore(storeUrl)),
  openEmbedder: () => Promise.resolve(embedder),
});
const queue = marked(untilEmpty(createEventQueue(openSqsClient(), queueUrl, LONG_POLL_SECONDS)));
const ports = applyPorts(runtime, 'c', createS3Objects(openS3Client()));
const scope = { locations: [parseS3Url(bucketUrl)], options: {}, sequencers: createSequencers() };
await followQueue(ports, queue, scope, {
  signal: controller.signal,
  visibilitySeconds: VISIBILITY_SECONDS,
});
await runtime.close();
