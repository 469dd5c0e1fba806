/** A caller's signal with a limit of our own: every call to a provider ends some time. */

export interface Deadline {
  /** Aborted by the caller, when the time is up, or by `end`. */
  readonly signal: AbortSignal;
  readonly caller: AbortSignal | undefined;
  readonly ms: number;
  /** Whether the time is up. */
  isOver(): boolean;
  /** Nobody reads on: what still comes is not waited for. */
  end(): void;
}

export function deadline(caller: AbortSignal | undefined, ms: number): Deadline {
  const limit = AbortSignal.timeout(ms);
  const left = new AbortController();
  const signals = caller === undefined ? [limit, left.signal] : [caller, limit, left.signal];
  return {
    signal: AbortSignal.any(signals),
    caller,
    ms,
    isOver: () => limit.aborted,
    end() {
      left.abort();
    },
  };
}

export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
