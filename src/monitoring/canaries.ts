/** Asks questions whose answers are known, again and again, as any caller would. */
import { queryRequestSchema } from '../retrieval/schema.js';
import type { QueryAnswer, QueryRequest } from '../retrieval/schema.js';
import type { CallOptions } from '../stores/port.js';
import type { CanaryQuestion } from './canary-file.js';

/** How the questions of one collection did. */
export interface CanaryResult {
  readonly collection: string;
  readonly questions: number;
  /** Share of questions with an expected document among the hits. */
  readonly found: number;
  /** Mean of 1 / rank of the first expected document; 0 where there was none. */
  readonly reciprocalRank: number;
  /** Questions that were not answered; they count as not found. */
  readonly failed: number;
}

export interface CanariesOptions {
  readonly questions: readonly CanaryQuestion[];
  readonly intervalMs: number;
  ask(collection: string, request: QueryRequest, options: CallOptions): Promise<QueryAnswer>;
  readonly onRound: (results: readonly CanaryResult[]) => void;
}

export interface Canaries {
  /** Stops asking, without waiting for an answer. */
  close(): void;
  /** Settles when no round runs. */
  idle(): Promise<void>;
}

/** Documents looked at: one that comes later is as good as not found. */
const DEPTH = 10;

/** Begins at once, and then by the clock; a round that is due while one runs is left out. */
export function startCanaries(options: CanariesOptions): Canaries {
  const closed = new AbortController();
  let running: Promise<void> | null = null;
  const begin = (): void => {
    running ??= round(options, closed.signal).finally(() => {
      running = null;
    });
  };
  begin();
  const timer = setInterval(begin, options.intervalMs);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      closed.abort();
    },
    async idle() {
      await running;
    },
  };
}

async function round(options: CanariesOptions, signal: AbortSignal): Promise<void> {
  const ranks = new Map<string, (number | null | 'failed')[]>();
  for (const question of options.questions) {
    const rank = await rankOf(options, question, signal);
    // What was cut off says nothing.
    if (signal.aborted) return;
    ranks.set(question.collection, [...(ranks.get(question.collection) ?? []), rank]);
  }
  options.onRound(
    [...ranks].map(([collection, of]) => ({
      collection,
      questions: of.length,
      found: mean(of.map((rank) => (typeof rank === 'number' ? 1 : 0))),
      reciprocalRank: mean(of.map((rank) => (typeof rank === 'number' ? 1 / rank : 0))),
      failed: of.filter((rank) => rank === 'failed').length,
    })),
  );
}

async function rankOf(
  options: CanariesOptions,
  question: CanaryQuestion,
  signal: AbortSignal,
): Promise<number | null | 'failed'> {
  const request = queryRequestSchema.parse({
    query: question.query,
    top_k: DEPTH,
    group_by_document: 'best',
  });
  try {
    const { hits } = await options.ask(question.collection, request, { signal });
    const at = hits.findIndex(({ document_id: id }) => question.expected.includes(id));
    return at < 0 ? null : at + 1;
  } catch {
    return 'failed';
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
