/** Reading what gates found. */
import { RetrievalError } from '../errors.js';
import type { RecordStore } from '../stores/generations-port.js';
import type { CallOptions } from '../stores/port.js';
import { gateReportSchema } from './gate.js';
import type { GateReport } from './gate.js';
import { GATE } from './history.js';

/** Gates that are looked through for a generation's latest, as activation does. */
const GATES = 100;

export interface GateReports {
  /** The latest gate of a generation, with when it was; null before one was run, or one of an older kind. */
  latest(
    collection: string,
    generation: number,
    options?: CallOptions,
  ): Promise<(GateReport & { readonly at: string }) | null>;
}

export function createGateReports(store: {
  readonly kind: string;
  readonly records?: RecordStore;
}): GateReports {
  return {
    async latest(collection, generation, options) {
      if (store.records === undefined) {
        throw new RetrievalError('unsupported_capability', `The ${store.kind} store keeps no gates`);
      }
      const found = await store.records.list(collection, { kinds: [GATE], limit: GATES }, options);
      const record = found.find(({ value }) => value['generation'] === generation);
      const parsed = gateReportSchema.safeParse(record?.value);
      return record === undefined || !parsed.success ? null : { ...parsed.data, at: record.at };
    },
  };
}
