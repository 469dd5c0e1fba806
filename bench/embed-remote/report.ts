/** The page of the benchmark. */
import type { Circumstances } from '../support/report.js';

export interface ScenarioResult {
  readonly title: string;
  readonly embedder: string;
  readonly texts: number;
  readonly seconds: number;
  readonly texts_per_second: number;
  /** Those that were refused included. */
  readonly requests: number;
  readonly throttled: number;
  readonly limit_per_minute: number;
  /** Answered ones. */
  readonly requests_per_minute: number;
  readonly share_of_limit: number;
  readonly lost: number;
  readonly embedded_twice: number;
  /** By our own tokenizer, by the answers, and by the provider's own sum. */
  readonly tokens_counted: number;
  readonly tokens_told: number;
  readonly tokens_of_provider: number;
  readonly rss_mib_by_quarter: readonly number[];
}

export interface EmbedRemoteResults extends Circumstances {
  readonly latency_ms: number;
  readonly callers: number;
  readonly call_texts: number;
  readonly scenarios: readonly ScenarioResult[];
}

export function renderReport(results: EmbedRemoteResults): string {
  const rows = results.scenarios.map((row) =>
    [
      row.title,
      row.texts.toLocaleString('en-US'),
      `${row.seconds.toFixed(1)} s`,
      row.texts_per_second.toFixed(0),
      `${row.requests_per_minute.toFixed(0)} of ${String(row.limit_per_minute)}`,
      row.share_of_limit.toFixed(3),
      String(row.throttled),
      String(row.lost),
      String(row.embedded_twice),
      row.rss_mib_by_quarter.join(' · '),
    ].join(' | '),
  );
  const [first] = results.scenarios;
  return `# Embedding by a provider

\`node dist/bench/embed-remote/run.js\`, ${results.date}, ${results.machine}, Node ${results.node}.

Texts go through the embedders for Amazon Bedrock to a provider in another process on the same machine. It speaks the
same protocol, answers after ${String(results.latency_ms)} ms, and limits requests: by a quota for any minute, or to an even rate with a
burst of one second. ${String(results.callers)} callers ask for ${String(results.call_texts)} texts at a time. The provider's vectors are drawn from the texts'
hashes; nothing is measured of a real model.

| scenario | texts | time | texts/s | requests a minute | share of the limit | throttled | lost | embedded twice | RSS by quarter, MiB |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |
${rows.map((row) => `| ${row} |`).join('\n')}

A run of about a minute may begin with a twenty-fifth of the minute's requests at once, so its share can be above one
while no minute is above the limit. The aim is nine tenths of a configured limit, with nothing lost and nothing embedded
twice. Where the limit is not configured it is found by being throttled; those requests are made again, which costs no
tokens.

Tokens of Titan's first run by our own count, as told by the answers, and by the provider's own sum:
${first === undefined ? '' : [first.tokens_counted, first.tokens_told, first.tokens_of_provider].map((tokens) => tokens.toLocaleString('en-US')).join(', ')}. The provider counts with the tokenizer that we count with, so this shows
that none is lost, not how near our count is to a real model's.
`;
}
