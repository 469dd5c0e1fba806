/**
 * The provider of the benchmark, in a process of its own: answers after a fixed time, and refuses
 * what is over its limit as AWS does. It sends its address, and its counts when it is asked.
 */
import { createEmbedModels } from '../../test/bedrock/embed-models.js';
import { startFakeBedrock, throttled } from '../../test/bedrock/server.js';
import type { ProviderCounts, ProviderSettings } from './types.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as ProviderSettings;
const models = createEmbedModels();
const server = await startFakeBedrock({ handlers: [models.handler], latencyMs: settings.latencyMs });

let refused = 0;
const accepted: number[] = [];
let oldest = 0;
let level = settings.burst;
let filledAt = performance.now();

/** At most so many in any minute, as a quota; or evenly, as a service that is at its limit. */
server.failWhen(({ at }) => {
  const isOver = settings.limiter === 'minute' ? isOverMinute(at) : isOverRate(at);
  if (!isOver) return null;
  refused += 1;
  return { kind: 'reply', reply: throttled() };
});

function isOverMinute(at: number): boolean {
  while ((accepted[oldest] ?? Infinity) < at - 60_000) oldest += 1;
  if (accepted.length - oldest >= settings.requestsPerMinute) return true;
  accepted.push(at);
  return false;
}

function isOverRate(at: number): boolean {
  level = Math.min(settings.burst, level + ((at - filledAt) * settings.requestsPerMinute) / 60_000);
  filledAt = at;
  if (level < 1) return true;
  level -= 1;
  return false;
}

process.on('message', () => {
  const texts = models.embedded.map(({ text }) => text);
  const counts: ProviderCounts = {
    requests: server.requests.length,
    refused,
    texts: texts.length,
    distinct: new Set(texts).size,
    tokens: models.tokens(),
  };
  process.send?.(counts);
});
process.send?.(server.url);
