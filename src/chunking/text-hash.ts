/** The name of a text by its content. */
import { createHash } from 'node:crypto';

/** Hex SHA-256 of a chunk's indexed text: equal texts have equal vectors under one pin. */
export function textHash(indexedText: string): string {
  return createHash('sha256').update(indexedText).digest('hex');
}
