/**
 * Measures embedding by a provider on this machine's loopback, which answers after a fixed time and
 * limits the rate of requests: how much of the limit is used, and whether all texts come once.
 *
 *     node dist/bench/embed-remote/run.js [--times 1] [--out FOLDER]
 *
 * `--times` makes every scenario so many times as long.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/config.js';
import { openBedrock } from '../../src/embedders/bedrock/index.js';
import type { BedrockName } from '../../src/embedders/bedrock/models.js';
import { mulberry32 } from '../support/random.js';
import { benchmarksFolder, circumstances, writeResults } from '../support/report.js';
import { renderReport } from './report.js';
import type { EmbedRemoteResults, ScenarioResult } from './report.js';
import type { ProviderCounts, ProviderSettings } from './types.js';

interface Scenario {
  readonly title: string;
  readonly embedder: BedrockName;
  readonly provider: ProviderSettings;
  /** Whether the limit is configured, or has to be found by being throttled. */
  readonly isKnown: boolean;
  readonly texts: number;
}

const LATENCY_MS = 100;
const SCENARIOS: readonly Scenario[] = [
  {
    title: 'Titan, the limit is configured',
    embedder: 'titan-v2',
    provider: { latencyMs: LATENCY_MS, requestsPerMinute: 900, limiter: 'minute', burst: 0 },
    isKnown: true,
    texts: 600,
  },
  {
    title: 'Titan, a high limit is configured',
    embedder: 'titan-v2',
    provider: { latencyMs: LATENCY_MS, requestsPerMinute: 6000, limiter: 'minute', burst: 0 },
    isKnown: true,
    texts: 10_000,
  },
  {
    title: 'Titan, the limit is not known',
    embedder: 'titan-v2',
    provider: { latencyMs: LATENCY_MS, requestsPerMinute: 900, limiter: 'rate', burst: 15 },
    isKnown: false,
    texts: 600,
  },
  {
    title: 'Cohere, the limit is configured',
    embedder: 'cohere-v3-english',
    provider: { latencyMs: LATENCY_MS, requestsPerMinute: 120, limiter: 'minute', burst: 0 },
    isKnown: true,
    texts: 10_000,
  },
];
/** Calls at once and texts in each, as ingest has documents in work. */
const CALLERS = 50;
const CALL_TEXTS = 20;

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '1' },
    out: { type: 'string', default: benchmarksFolder },
  },
});
// The provider asks only for a signature.
process.env['AWS_ACCESS_KEY_ID'] = 'AKIABENCH';
process.env['AWS_SECRET_ACCESS_KEY'] = 'bench';

const scenarios: ScenarioResult[] = [];
for (const scenario of SCENARIOS) {
  const result = await measure(scenario);
  console.error(JSON.stringify(result));
  scenarios.push(result);
}
const results: EmbedRemoteResults = {
  ...circumstances(),
  latency_ms: LATENCY_MS,
  callers: CALLERS,
  call_texts: CALL_TEXTS,
  scenarios,
};
await writeResults(values.out, 'embed-remote', results, renderReport(results));

async function measure({
  title,
  embedder: name,
  provider,
  isKnown,
  texts: count,
}: Scenario): Promise<ScenarioResult> {
  const texts = makeTexts(count * Number(values.times));
  const child = fork(fileURLToPath(new URL('server-worker.js', import.meta.url)), [JSON.stringify(provider)]);
  const [url] = (await once(child, 'message')) as [string];
  const { bedrock } = loadConfig({}).models.remote;
  const embedder = await openBedrock({
    ...bedrock,
    name,
    region: 'eu-central-1',
    endpoint: url,
    requestsPerMinute: isKnown ? provider.requestsPerMinute : null,
  });
  const rss: number[] = [];
  const sampler = setInterval(() => rss.push(process.memoryUsage.rss()), 250);
  const began = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < texts.length) {
      const slice = texts.slice(next, next + CALL_TEXTS);
      next += CALL_TEXTS;
      const vectors = await embedder.embed(slice, { inputType: 'document' });
      if (vectors.length !== slice.length) throw new Error('a vector is missing');
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const seconds = (performance.now() - began) / 1000;
  clearInterval(sampler);
  const usage = embedder.usage();
  await embedder.close();
  const counts = await askCounts(child);
  child.kill();
  await once(child, 'exit');
  const perMinute = ((counts.requests - counts.refused) / seconds) * 60;
  const quarter = (at: number): number =>
    Math.round(Math.max(...rss.slice((rss.length * at) / 4, (rss.length * (at + 1)) / 4)) / 2 ** 20);
  return {
    title,
    embedder: name,
    texts: texts.length,
    seconds,
    texts_per_second: texts.length / seconds,
    requests: counts.requests,
    throttled: counts.refused,
    limit_per_minute: provider.requestsPerMinute,
    requests_per_minute: perMinute,
    share_of_limit: perMinute / provider.requestsPerMinute,
    lost: texts.length - counts.distinct,
    embedded_twice: counts.texts - counts.distinct,
    tokens_counted: usage.countedTokens,
    tokens_told: usage.tokens,
    tokens_of_provider: counts.tokens,
    rss_mib_by_quarter: [0, 1, 2, 3].map(quarter),
  };
}

async function askCounts(child: ChildProcess): Promise<ProviderCounts> {
  child.send('counts');
  const [counts] = (await once(child, 'message')) as [ProviderCounts];
  return counts;
}

/** Passages of some 40 to 120 words; each once. */
function makeTexts(count: number): readonly string[] {
  const random = mulberry32(7);
  const words =
    'the a of water stone window market river letter engine garden winter number paper light'.split(' ');
  return Array.from({ length: count }, (_, index) => {
    const length = 40 + Math.floor(random() * 80);
    return `${String(index)}. ${Array.from({ length }, () => words[Math.floor(random() * words.length)] ?? '').join(' ')}.`;
  });
}
