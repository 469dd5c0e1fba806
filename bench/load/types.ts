/** What a comparison of loading finds. */

export interface Side {
  /** Until all rows are acknowledged. */
  readonly loadSeconds: number;
  /** What comes after: indexes, statistics, background work that has to end. */
  readonly indexSeconds: number;
}

export interface Comparison {
  readonly server: string;
  readonly ours: Side;
  readonly floors: Readonly<Record<string, Side>>;
  /** The floor that the wanted ratio is about. */
  readonly target: string;
}
