/** Which parent a chunk of the hierarchical chunker belongs to. */

/** Hex digits of a chunk's id that its siblings share; the rest tells them apart. */
export const PARENT_DIGITS = 16;

/** Equal for the children of one parent, and for them only. */
export function parentKey(chunkId: string): string {
  return chunkId.slice(0, PARENT_DIGITS);
}
