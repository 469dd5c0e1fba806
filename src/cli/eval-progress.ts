/** Showing how far an evaluation is: its ingest as always, then the questions. */
import { SingleBar } from 'cli-progress';
import type { EvalProgress } from '../../eval/run.js';
import { printJson, type Output } from './context.js';
import { barOptions, createProgressView, type ProgressView } from './progress.js';

export interface EvalProgressView {
  update(progress: EvalProgress): void;
  /** Leaves the line clean; safe to call twice. */
  stop(): void;
}

export function createEvalProgressView(output: Output): EvalProgressView {
  let ingest: ProgressView | null = null;
  let bar: SingleBar | null = null;
  let isAsking = false;
  const stopIngest = (): void => {
    ingest?.stop();
    ingest = null;
  };
  return {
    update(progress) {
      if (progress.stage === 'ingest') {
        ingest ??= createProgressView(output);
        ingest.update(progress.ingest);
        return;
      }
      stopIngest();
      const { done, total } = progress;
      if (output.isTerminal) {
        bar ??= startBar(output, total);
        bar.update(done);
      } else if (!isAsking) printJson(output, { stage: 'queries', total });
      isAsking = true;
    },
    stop() {
      stopIngest();
      bar?.stop();
      bar = null;
    },
  };
}

function startBar(output: Output, total: number): SingleBar {
  const bar = new SingleBar({
    ...barOptions(output),
    format: 'asking {bar} {value}/{total} · ETA {eta_formatted}',
  });
  bar.start(total, 0);
  return bar;
}
