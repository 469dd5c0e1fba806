/** What the chunking tests share: tokenizers, checks that hold for any document, hostile texts. */
import assert from 'node:assert/strict';
import {
  MAX_CHARACTERS_PER_TOKEN,
  STANDS_ALONE,
  chunkDocument,
  targetTokens,
} from '../../src/chunking/chunk.js';
import { parseDocument } from '../../src/chunking/parse.js';
import type { Block, Chunk, Document, Format, StructureChunker, Tokenizer } from '../../src/model.js';

/** Words in pieces of four letters, each sign alone; a word of over 100 letters is one token. */
export function lettersTokenizer(maxTokens: number): Tokenizer & { readonly characters: () => number } {
  let characters = 0;
  return {
    name: 'test:letters',
    maxTokens,
    characters: () => characters,
    count(text) {
      characters += text.length;
      let tokens = 0;
      for (const [run] of text.matchAll(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu)) {
        tokens += run.length > 100 ? 1 : Math.ceil(run.length / 4);
      }
      return tokens;
    },
  };
}

export function settingsOf(targetTokens: number, overlapTokens = 0): StructureChunker {
  return { kind: 'structure', targetTokens, overlapTokens };
}

export function parse(format: Format, content: string, title?: string): Document {
  return parseDocument({
    id: 'doc',
    format,
    content,
    metadata: {},
    ...(title === undefined ? {} : { title }),
  });
}

export interface Chunked {
  readonly document: Document;
  readonly chunks: readonly Chunk[];
}

export function chunk(
  format: Format,
  content: string,
  settings: StructureChunker,
  tokenizer: Tokenizer,
  title?: string,
): Chunked {
  const document = parse(format, content, title);
  return { document, chunks: chunkDocument(document, settings, tokenizer) };
}

/** Blocks are in order, with nothing but white space before, between and after them. */
export function assertBlocksCover(document: Document): void {
  let at = 0;
  for (const block of document.blocks) {
    assert.ok(block.start >= at && block.end > block.start && block.end <= document.text.length);
    assert.equal(document.text.slice(at, block.start).trim(), '');
    at = block.end;
  }
  assert.equal(document.text.slice(at).trim(), '');
  assert.ok(document.text.isWellFormed() && !document.text.includes('\0'));
}

/** Everything promised of the chunks of any document. */
export function assertSound(
  { document, chunks }: Chunked,
  settings: StructureChunker,
  tokenizer: Tokenizer,
): void {
  assertBlocksCover(document);
  const { text } = document;
  const sectionStarts = document.blocks
    .filter((block) => block.kind === 'heading')
    .map((block) => block.start);
  let at = 0;
  for (const [index, chunk] of chunks.entries()) {
    const own = chunk.start + chunk.overlap;
    assert.equal(chunk.ordinal, index);
    assert.ok(chunk.overlap >= 0 && own < chunk.end, 'a chunk has text of its own');
    assert.ok(own >= at, 'own spans are in order and do not overlap');
    assert.equal(text.slice(at, own).trim(), '', 'nothing is lost between chunks');
    if (chunk.overlap > 0) {
      assert.ok(
        chunk.start >= (chunks[index - 1]?.start ?? Infinity),
        'overlap repeats the chunk before only',
      );
      assert.ok(chunk.start < at);
      assert.ok(
        !sectionStarts.some((start) => start > chunk.start && start <= own),
        'overlap crosses no section',
      );
      assert.ok(tokenizer.count(text.slice(chunk.start, at)) <= settings.overlapTokens);
    }
    assert.ok(chunk.text.includes(text.slice(chunk.start, chunk.end)));
    assert.ok(chunk.indexedText.endsWith(chunk.text));
    assert.equal(chunk.tokens, tokenizer.count(chunk.indexedText));
    assert.ok(chunk.tokens <= tokenizer.maxTokens, 'no chunk exceeds the window');
    assert.ok(chunk.end - chunk.start <= 2 * MAX_CHARACTERS_PER_TOKEN * settings.targetTokens + 100);
    assert.ok(chunk.text.isWellFormed(), 'no surrogate pair is cut');
    assert.deepEqual(chunk.headingPath, expectedPath(document, own, chunk.end));
    at = chunk.end;
  }
  assert.equal(text.slice(at).trim(), '', 'nothing is lost at the end');
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, chunks.length);
  assertBigSectionsStandAlone(document, chunks, targetTokens(settings, tokenizer), tokenizer);
}

/** The path, told anew from the blocks: what all text in the span has in common. */
function expectedPath(document: Document, start: number, end: number): readonly string[] {
  const open: Block[] = [];
  const paths: (readonly string[])[] = [];
  let bare: readonly string[] = [];
  for (const block of document.blocks) {
    if (block.start >= end) break;
    if (block.kind === 'heading') {
      while ((open.at(-1)?.level ?? 0) >= (block.level ?? 0)) open.pop();
      open.push(block);
    }
    if (block.end <= start) continue;
    const path = open.map((heading) => heading.title ?? '').filter((title) => title !== '');
    if (block.kind === 'heading') bare = path;
    else paths.push(path);
  }
  const [first = bare, ...others] = paths;
  const shared = others.reduce((path, other) => {
    const differs = path.findIndex((name, index) => name !== other[index]);
    return differs === -1 ? path : path.slice(0, differs);
  }, first);
  return document.title === null || document.title === shared[0] ? shared : [document.title, ...shared];
}

/** Where a chunk crosses a heading, what it leaves of that or a deeper level is small. */
function assertBigSectionsStandAlone(
  document: Document,
  chunks: readonly Chunk[],
  target: number,
  tokenizer: Tokenizer,
): void {
  const headings = document.blocks.filter((block) => block.kind === 'heading');
  let from = 0;
  for (const chunk of chunks) {
    const own = chunk.start + chunk.overlap;
    while ((headings[from]?.start ?? Infinity) < own) from += 1;
    const inside: Block[] = [];
    for (let at = from; (headings[at]?.start ?? Infinity) < chunk.end; at += 1) {
      const heading = headings[at];
      if (heading !== undefined) inside.push(heading);
    }
    for (const [index, heading] of inside.entries()) {
      const before = inside[index - 1];
      if (before === undefined || (before.level ?? 0) < (heading.level ?? 0)) continue;
      // Sums of blocks, as sections are measured.
      const left = document.blocks
        .filter((block) => block.start >= before.start && block.end <= heading.start)
        .reduce((sum, block) => sum + tokenizer.count(document.text.slice(block.start, block.end)), 0);
      assert.ok(left < target * STANDS_ALONE, 'a section that can stand alone is not left inside a chunk');
    }
  }
}

const REPEATS: readonly (readonly [string, string])[] = [
  ['one letter', 'a'],
  ['letters and spaces', 'a '],
  ['spaces', ' '],
  ['newlines', '\n'],
  ['headings', '# a\n'],
  ['deeper headings', '# a\n## b\n'],
  ['rising headings', '## a\n# b\n'],
  ['setext', 'a\n=\n'],
  ['sentences', 'a. '],
  ['brackets', '['],
  ['links', '[a]('],
  ['stars', '*a '],
  ['angles', '<'],
  ['ticks', '`'],
  ['bars', '|'],
  ['quotes', '> '],
  ['deep list', '- '],
  ['list', '- a\n'],
  ['fences', '```\n'],
  ['definitions', '[a]: b\n'],
  ['lone surrogates', '\ud800'],
  ['lone low surrogates', '\udc00a'],
  ['family', '👨‍👩‍👧‍👦'],
  ['marks', '\u0301'],
  ['Hebrew', 'שלום '],
  ['Arabic', 'مرحبا'],
  ['Chinese', '漢字'],
  ['NUL', '\0'],
  ['comments', '<!--'],
  ['divs', '<div>'],
  ['open paragraphs', '<p>a'],
  ['fonts', '<p><font size=1>a</p>'],
  ['links in links', '<a href=x>a'],
  ['cells', '<td>'],
  ['tables', '<table>'],
  ['entities', '&amp;'],
  ['scripts', '<script>'],
  ['lists', '<ul><li>a'],
  ['bold', '<b><p>'],
  ['carriage returns', '\r'],
  ['dashes', '!—'],
  ['digits', '0'],
  ['tabs', '\t'],
  ['ideographic spaces', 'a\u3000'],
];

/** Name → text of about `length` characters, made to be slow. */
export function hostileTexts(length: number): ReadonlyMap<string, string> {
  const texts = new Map(REPEATS.map(([name, unit]) => [name, unit.repeat(Math.ceil(length / unit.length))]));
  texts.set('table', `| a | b |\n|---|---|\n${'| x | y |\n'.repeat(Math.ceil(length / 10))}`);
  texts.set('one row', `| a | b |\n|---|---|\n| ${'x '.repeat(Math.ceil(length / 2))}| y |\n`);
  texts.set('one line of code', `\`\`\`js\n${'x'.repeat(length)}\n\`\`\`\n`);
  texts.set('code', `\`\`\`js\n${'let x = 1;\n'.repeat(Math.ceil(length / 11))}\`\`\`\n`);
  texts.set('long fence', `${'`'.repeat(length / 2)}\ncode\n`);
  texts.set('long heading', `# ${'word '.repeat(length / 5)}\ntext\n`);
  texts.set(
    'long header',
    `|${'a|'.repeat(length / 8)}\n|${'-|'.repeat(length / 8)}\n${'|x|\n'.repeat(length / 8)}`,
  );
  texts.set('far apart', `a${' '.repeat(length)}b`);
  return texts;
}
