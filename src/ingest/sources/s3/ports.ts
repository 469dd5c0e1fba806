/** What working on events needs of a runtime. */
import { hasCode } from '../../../errors.js';
import type { CallOptions } from '../../../stores/port.js';
import type { IngestOptions, IngestSummary, Source } from '../../types.js';
import type { ApplyPorts } from './apply.js';
import type { S3Objects } from './objects.js';

interface IngestingRuntime {
  ingest(collection: string, source: Source, options?: IngestOptions): Promise<IngestSummary>;
  readonly catalog: { deleteDocument(collection: string, id: string, call?: CallOptions): Promise<void> };
}

export function applyPorts(runtime: IngestingRuntime, collection: string, objects: S3Objects): ApplyPorts {
  return {
    objects,
    ingest: (source, call) => runtime.ingest(collection, source, call),
    async remove(id, call) {
      try {
        await runtime.catalog.deleteDocument(collection, id, call);
        return true;
      } catch (error) {
        if (hasCode(error, 'document_not_found')) return false;
        throw error;
      }
    },
  };
}
