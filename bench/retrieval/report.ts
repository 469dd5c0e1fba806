/** What was wanted, and how the results read. */
import { METRICS } from '../../eval/measures.js';
import { MODES } from '../../src/retrieval/schema.js';
import type { Circumstances } from '../support/report.js';
import type { Measured, Mode } from './measure.js';

const TARGETS = { keyword: 0.685, vector: 0.665, hybrid: 0.73 } as const satisfies Record<Mode, number>;
const RECALL_TARGET = 0.95;
const SAME = 1e-6;
/** How far the stores' hybrid nDCG@10 may be from each other. */
const AGREEMENT = 0.005;

interface Facts extends Circumstances {
  readonly data_set: string;
  readonly split: string;
}

interface Misses {
  readonly targets: object;
  readonly misses: readonly string[];
}

export function missesOf({ modes, largest_difference_from_trec_eval: largest }: Measured): Misses {
  return {
    targets: { 'ndcg@10': TARGETS, 'recall@100': { hybrid: RECALL_TARGET }, difference: SAME },
    misses: [
      ...MODES.filter((mode) => !((modes[mode]?.metrics['ndcg@10'] ?? 0) >= TARGETS[mode])),
      ...((modes.hybrid?.metrics['recall@100'] ?? 0) >= RECALL_TARGET ? [] : ['recall@100']),
      ...(largest <= SAME ? [] : ['agreement']),
    ],
  };
}

export function report(results: Facts & Measured): string {
  const rows = MODES.map((mode) => {
    const measured = results.modes[mode];
    const cells = METRICS.map((metric) => measured?.metrics[metric].toFixed(4) ?? '–');
    return `| ${mode} | ${cells.join(' | ')} | ${String(TARGETS[mode])} | ${measured?.p50.toFixed(1) ?? '–'} |`;
  });
  return `# Retrieval on ${results.data_set}, ${results.split} split, ${results.store} store

\`node dist/bench/retrieval/run.js FOLDER --split ${results.split}\`, ${results.date}, ${results.machine}, Node ${results.node}.

${String(results.queries)} questions over ${String(results.documents)} documents in ${String(results.chunks)} chunks, ${results.model}, default settings,
documents by their best chunk. The fusion's weight was chosen on the train split (\`node dist/eval/tune.js FOLDER\`).

| leg | ${METRICS.join(' | ')} | nDCG@10 wanted | p50 ms |
| --- | ${METRICS.map(() => '---').join(' | ')} | --- | --- |
${rows.join('\n')}

Recall@100 wanted of the hybrid: ${String(RECALL_TARGET)}. Largest difference of any measure of any question from trec_eval's
on the same run files: ${results.largest_difference_from_trec_eval.toExponential(1)} (wanted: at most 1e-6).
`;
}

interface Agreement {
  /** Largest difference between two stores, of the hybrid's nDCG@10. */
  readonly spread: number;
  readonly wanted: { readonly spread: number; readonly least: number };
  readonly agrees: boolean;
}

export function agreementOf(stores: readonly Measured[]): Agreement {
  const measured = stores.map(({ modes }) => modes.hybrid?.metrics['ndcg@10'] ?? 0);
  const spread = Math.max(...measured) - Math.min(...measured);
  const wanted = { spread: AGREEMENT, least: TARGETS.hybrid };
  return { spread, wanted, agrees: spread <= wanted.spread && Math.min(...measured) >= wanted.least };
}

export function agreementReport(
  results: Facts & Agreement & { readonly stores: readonly Measured[] },
): string {
  const { stores, spread, wanted } = results;
  const [first] = stores;
  const rows = stores.flatMap(({ store, modes }) =>
    MODES.map((mode) => {
      const cells = METRICS.map((metric) => modes[mode]?.metrics[metric].toFixed(4) ?? '–');
      return `| ${store} | ${mode} | ${cells.join(' | ')} | ${modes[mode]?.p50.toFixed(1) ?? '–'} |`;
    }),
  );
  return `# Retrieval on ${results.data_set}, ${results.split} split, by store

\`node dist/bench/retrieval/run.js FOLDER --split ${results.split} ${stores.map(() => '--store URL').join(' ')}\`, ${results.date},
${results.machine}, Node ${results.node}.

${String(first?.queries)} questions over ${String(first?.documents)} documents in ${String(first?.chunks)} chunks, ${first?.model ?? ''}, default settings.

| store | leg | ${METRICS.join(' | ')} | p50 ms |
| --- | --- | ${METRICS.map(() => '---').join(' | ')} | --- |
${rows.join('\n')}

The stores' hybrid nDCG@10 lie **${spread.toFixed(4)}** apart; wanted: at most ${String(wanted.spread)}, and each at least ${String(wanted.least)}.
`;
}
