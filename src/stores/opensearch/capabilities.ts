/** What the store can do, and with either engine. */
import { RetrievalError } from '../../errors.js';
import type { CollectionSpec, StoreCapabilities } from '../port.js';
import { validateDimensions } from '../validate.js';
import type { VectorEngine } from './mappings.js';

const CAPABILITIES = {
  metrics: ['cosine', 'dot', 'l2'],
  indexes: ['hnsw', 'none'],
  languages: ['english', 'none'],
  hnswDefaults: { m: 16, efConstruction: 512 },
  // The k-NN plugin's limit.
  maxDimensions: 16_000,
} as const satisfies StoreCapabilities;

/** What the k-NN plugin makes of `compression_level` and `mode: on_disk` with either engine. */
const COMPRESSIONS = {
  lucene: { levels: ['4x'], onDisk: false },
  faiss: { levels: ['2x', '8x', '16x', '32x'], onDisk: true },
} as const satisfies Record<VectorEngine, StoreCapabilities['compression']>;

export function capabilitiesOf(engine: VectorEngine): StoreCapabilities {
  return { ...CAPABILITIES, compression: COMPRESSIONS[engine] };
}

/** @throws RetrievalError `unsupported_capability` */
export function assertCapable(
  { pin, index }: Pick<CollectionSpec, 'pin' | 'index'>,
  engine: VectorEngine,
): void {
  validateDimensions('opensearch', pin.dimensions, CAPABILITIES.maxDimensions);
  if (index.kind === 'none') return;
  if (index.kind !== 'hnsw') {
    throw new RetrievalError(
      'unsupported_capability',
      `The opensearch store has no ${index.kind} index; choose one of ${CAPABILITIES.indexes.join(', ')}`,
      { field: 'index.kind' },
    );
  }
  const { levels, onDisk }: NonNullable<StoreCapabilities['compression']> = COMPRESSIONS[engine];
  if (index.compression !== undefined && !levels.includes(index.compression)) {
    throw new RetrievalError(
      'unsupported_capability',
      `Engine ${engine} has no compression "${index.compression}"; it has ${levels.join(', ')}`,
      { field: 'index.compression' },
    );
  }
  if (index.onDisk === true && !onDisk) {
    throw new RetrievalError(
      'unsupported_capability',
      `Engine ${engine} has no index on disk; engine=faiss in the store URL has one`,
      { field: 'index.on_disk' },
    );
  }
}
