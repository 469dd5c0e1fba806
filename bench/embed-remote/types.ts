/** What the benchmark and its provider say to each other. */

export interface ProviderSettings {
  readonly latencyMs: number;
  readonly requestsPerMinute: number;
  readonly limiter: 'minute' | 'rate';
  /** Requests that may come at once, of limiter `rate`. */
  readonly burst: number;
}

export interface ProviderCounts {
  readonly requests: number;
  readonly refused: number;
  readonly texts: number;
  readonly distinct: number;
  readonly tokens: number;
}
