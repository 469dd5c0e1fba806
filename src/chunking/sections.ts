/** A document's sections, and which of them share chunks. */
import type { Block, Document } from '../model.js';
import type { Steps } from './steps.js';

/** A heading's blocks, it first, up to the next heading. Section 0 is what precedes all headings. */
export interface Section {
  readonly index: number;
  /** The section it lies in; -1 for those at the top. */
  readonly parent: number;
  /** 0 without a heading. */
  readonly level: number;
  /** The headings down to its own. */
  readonly path: readonly string[];
  readonly blocks: readonly Block[];
}

/** Sections in the document's order; a parent comes before its children. */
export function* sectionsOf(document: Document): Steps<readonly Section[]> {
  const sections: Section[] = [];
  const open: Section[] = [];
  let blocks: Block[] = [];
  const start = (level: number, title: string | null): void => {
    while ((open.at(-1)?.level ?? -1) >= level) open.pop();
    const parent = open.at(-1);
    blocks = [];
    const path = title === null || title === '' ? (parent?.path ?? []) : [...(parent?.path ?? []), title];
    const section = { index: sections.length, parent: parent?.index ?? -1, level, path, blocks };
    sections.push(section);
    // Text before all headings is no heading's parent.
    if (level > 0) open.push(section);
  };
  for (const block of document.blocks) {
    if (block.kind === 'heading') start(block.level ?? 6, block.title ?? '');
    else if (sections.length === 0) start(0, null);
    blocks.push(block);
    yield;
  }
  return sections;
}

/** What grouping needs to know of a section. */
export interface SectionSize {
  readonly section: Section;
  /** Tokens of its own text. */
  readonly tokens: number;
  /** Most tokens a chunk with its heading path may have. */
  readonly limit: number;
}

/**
 * Runs of sections that are chunked together. `smallest` is the tokens from which a section stands
 * alone. A heading ends a run, but for three cases:
 * - its section and all under it are small, and so is what it leaves of its own or a deeper level
 *   under the same parent;
 * - it goes down a level and is small with all under it;
 * - it goes down a level and the run so far is small (a bare heading goes with its first child).
 * In the first two the whole must fit one chunk.
 */
export function* groupSections<T extends SectionSize>(
  sizes: readonly T[],
  smallest: number,
): Steps<readonly (readonly T[])[]> {
  const subtree = subtreeTokens(sizes);
  const groups: T[][] = [];
  let group: T[] = [];
  let tokens = 0;
  let limit = Infinity;
  /** Parent → tokens of the run before its latest child. */
  let before = new Map<number, number>();
  for (const size of sizes) {
    const { section } = size;
    const top = group[0]?.section;
    const last = group.at(-1)?.section;
    const small = (subtree[section.index] ?? 0) < smallest;
    const fits = tokens + size.tokens <= Math.min(limit, size.limit);
    const isWithin = top !== undefined && (section.parent === top.parent || section.parent >= top.index);
    const descends = section.parent === last?.index;
    const left = tokens - (before.get(section.parent) ?? 0);
    const joins =
      isWithin && (descends ? tokens < smallest || (small && fits) : small && fits && left < smallest);
    if (!joins) {
      group = [];
      groups.push(group);
      tokens = 0;
      limit = Infinity;
      before = new Map();
    }
    before.set(section.parent, tokens);
    group.push(size);
    tokens += size.tokens;
    limit = Math.min(limit, size.limit);
    yield;
  }
  return groups;
}

function subtreeTokens(sizes: readonly SectionSize[]): readonly number[] {
  const sums = sizes.map((size) => size.tokens);
  for (const { section } of [...sizes].reverse()) {
    if (section.parent >= 0) sums[section.parent] = (sums[section.parent] ?? 0) + (sums[section.index] ?? 0);
  }
  return sums;
}
