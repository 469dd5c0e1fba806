/** What the service tells about the quality of its answers, and to whom. */
import type { Registry } from 'prom-client';

/** Where the figures go. */
export interface MonitoringHost {
  readonly registry: Registry;
  /** Takes a line of JSON for the log; for figures in CloudWatch's embedded metric format. */
  writeLine(line: string): void;
}

/** Watches a runtime. Nothing is watched before `start`: a command that ends at once has no use for it. */
export interface Monitoring {
  /**
   * Registers the figures and begins to ask canary questions.
   * @throws RetrievalError `invalid_config` for a file of canary questions that is not valid
   */
  start(host: MonitoringHost): Promise<void>;
}

/** A step of a query or an ingest, as figures and traces name it. */
export type StepName =
  'query' | 'ingest' | 'embed' | 'vector' | 'keyword' | 'complete' | 'rerank' | 'read' | 'chunk' | 'write';

/** Facts about a step: names and counts, never text. */
export type StepFacts = Readonly<Record<string, string | number | boolean>>;

/** Runs a step and watches it. */
export type RunStep = <T>(name: StepName, facts: StepFacts, run: () => Promise<T>) => Promise<T>;
