/** What the doctor looks at, and what it says. */
import type { Collection, Pin } from '../model.js';
import type { Probe } from '../stores/inspection.js';
import type { CallOptions } from '../stores/port.js';

export interface Finding {
  /** What it is about: `server`, `permissions`, `collection handbook`. */
  readonly area: string;
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  /** What to do about it, in one sentence; null where nothing has to be done. */
  readonly advice: string | null;
}

/** A data folder as it is on disk, looked at from outside. */
export interface DataFolder {
  readonly path: string;
  readonly exists: boolean;
  /** Whether it, or else the nearest folder above it, can be written to. */
  readonly writable: boolean;
}

/** What an embedder would be pinned to here; `files` are a local model's. */
export interface EmbedderState {
  readonly name: string;
  /** Null when there is no embedder of that name. */
  readonly pin: Pin | null;
  readonly files: 'present' | 'missing' | 'corrupt' | 'remote';
}

/** Everything that the doctor reaches out to. */
export interface Instruments {
  /** Connects without opening a store; null for a store without a backend. */
  openProbe(): Promise<Probe | null>;
  /** Null for a store that keeps nothing on this machine. */
  dataFolder(): Promise<DataFolder | null>;
  /** Opens the store for that, whose schema has to be up to date. */
  listCollections(options: CallOptions): Promise<readonly Collection[]>;
  inspectEmbedder(name: string, options: CallOptions): Promise<EmbedderState>;
  /** What a collection gets whose embedder is not named. */
  readonly defaultEmbedder: string;
  /** Most connections that one process makes to the server. */
  readonly poolSize: number;
  /** A name that nothing has yet. */
  readonly scratch: string;
}

export function ok(area: string, what: string): Finding {
  return { area, level: 'ok', what, advice: null };
}

export function warning(area: string, what: string, advice: string): Finding {
  return { area, level: 'warning', what, advice };
}

export function problem(area: string, what: string, advice: string): Finding {
  return { area, level: 'problem', what, advice };
}
