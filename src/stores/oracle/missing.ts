import type { Located } from './catalog.js';

/** Documents `d` with text that have no chunks in a generation. A document of no text has none anywhere. */
export function missingSql({ tables }: Pick<Located, 'tables'>): string {
  return `d.chunk_count > 0
    AND NOT EXISTS (SELECT 1 FROM ${tables.chunks} c WHERE c.document_id = d.document_id)`;
}
