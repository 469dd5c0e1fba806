/** Showing how far a long run is: a bar on a terminal, else one JSON line a stage. */
import { SingleBar, type Options } from 'cli-progress';
import type { IngestProgress } from '../ingest/types.js';
import { printJson, type Output } from './context.js';
import { costText, count, duration } from './text.js';
import { toWire } from './wire.js';

export interface ProgressView {
  update(progress: IngestProgress): void;
  /** Leaves the line clean; safe to call twice. */
  stop(): void;
}

const STAGE_NAMES = {
  ingest: 'ingesting',
  prune: 'removing what vanished',
  index: 'building the index',
  done: 'done',
} as const satisfies Record<IngestProgress['stage'], string>;

export function createProgressView(output: Output): ProgressView {
  return output.isTerminal ? createBar(output) : createLog(output);
}

function createLog(output: Output): ProgressView {
  let shown: IngestProgress['stage'] | null = null;
  return {
    update(progress) {
      if (progress.stage === shown) return;
      shown = progress.stage;
      printJson(output, toWire({ ...progress, elapsedMs: Math.round(progress.elapsedMs) }));
    },
    stop() {
      // Every line is complete.
    },
  };
}

function createBar(output: Output): ProgressView {
  let bar: SingleBar | null = null;
  let latest: IngestProgress | null = null;
  const payload = (progress: IngestProgress): Record<string, string> => {
    const seconds = Math.max(progress.elapsedMs / 1000, 0.001);
    return {
      stage: STAGE_NAMES[progress.stage],
      done: count(progress.documents),
      rate: (progress.documents / seconds).toFixed(1),
      chunks: count(progress.chunks),
      failed: progress.failed === 0 ? '' : ` · ${count(progress.failed)} failed`,
      spent: spentText(progress.spent),
      // Not `eta`: the bar has a value of that name, which would win.
      left: remaining(progress),
    };
  };
  return {
    update(progress) {
      latest = progress;
      bar ??= startBar(output, progress, payload(progress));
      bar.update(progress.documents, payload(progress));
    },
    stop() {
      if (latest !== null) bar?.update(latest.documents, payload(latest));
      bar?.stop();
      bar = null;
    },
  };
}

function startBar(output: Output, progress: IngestProgress, payload: Record<string, string>): SingleBar {
  const totals = '{rate}/s · {chunks} chunks{failed}{spent}';
  const bar = new SingleBar({
    ...barOptions(output),
    format:
      progress.totalDocuments === null
        ? `{stage} {done} documents · ${totals}`
        : `{stage} {bar} {value}/{total} · ${totals} · {left}`,
  });
  bar.start(progress.totalDocuments ?? 0, progress.documents, payload);
  return bar;
}

function spentText(spent: IngestProgress['spent']): string {
  if (spent === undefined) return '';
  return ` · ${count(spent.tokens)} tokens${spent.cost === null ? '' : ` ≈ ${costText(spent.cost)}`}`;
}

/** How every bar looks. */
export function barOptions(output: Output): Options {
  return {
    stream: output.stream,
    barsize: Math.max(10, Math.min(30, output.columns - 70)),
    barCompleteChar: '█',
    barIncompleteChar: '░',
    fps: 5,
    hideCursor: true,
    linewrap: false,
    // Its own handler would leave at once; the run ends itself when it is told to.
    gracefulExit: false,
    forceRedraw: true,
  };
}

/**
 * Time left at the rate so far. What is unchanged goes by fast, so the bar's own estimate, made of
 * the last few updates, would jump about.
 */
function remaining(progress: IngestProgress): string {
  const { totalDocuments, documents, elapsedMs, stage } = progress;
  if (stage !== 'ingest') return duration(elapsedMs);
  if (totalDocuments === null || documents === 0) return 'ETA –';
  return `ETA ${duration((elapsedMs / documents) * Math.max(0, totalDocuments - documents))}`;
}
