/** YAML front matter of a Markdown file: `---`, a mapping, `---` (or `...`). */
import { LineCounter, parseDocument } from 'yaml';
import { RetrievalError } from '../errors.js';
import type { JsonObject } from '../model.js';

/** Longest front matter, in UTF-16 code units. */
const MAX_LENGTH = 262_144;

export interface FrontMatter {
  /** Empty when there is none. Dates stay strings, as written. */
  readonly metadata: JsonObject;
  /** The content after it. */
  readonly body: string;
}

/**
 * Takes the front matter off `content`. What stands between two `---` lines but is not a mapping
 * is a thematic break and prose, and stays in the body.
 * @throws RetrievalError `invalid_document`, naming the line, when the YAML is broken
 */
export function splitFrontMatter(content: string): FrontMatter {
  const none = { metadata: {}, body: content };
  const opening = /^\uFEFF?---[ \t]*(?:\r\n|\n|\r)/u.exec(content);
  if (opening === null) return none;
  const start = opening[0].length;
  const closing = /^(?:---|\.\.\.)[ \t]*$/mu.exec(content.slice(start));
  if (closing === null) return none;
  const yaml = content.slice(start, start + closing.index);
  if (yaml.length > MAX_LENGTH) {
    throw invalid(`is longer than ${String(MAX_LENGTH)} characters`, 1);
  }
  const metadata = readMapping(yaml);
  if (metadata === null) return none;
  const rest = content.slice(start + closing.index + closing[0].length);
  return { metadata, body: rest.replace(/^(?:\r\n|\n|\r)/u, '') };
}

/** Null when the YAML is sound but no mapping. */
function readMapping(yaml: string): JsonObject | null {
  const lineCounter = new LineCounter();
  try {
    // The core schema has no timestamps, so a date stays the string it is written as.
    const document = parseDocument(yaml, { schema: 'core', lineCounter, logLevel: 'error' });
    const [problem] = document.errors;
    if (problem !== undefined) {
      throw invalid('is not valid YAML', (problem.linePos?.[0].line ?? 0) + 1, problem.code);
    }
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return {};
    // Through JSON, so that what a tag or an anchor made is plain data of our own.
    return typeof value === 'object' && !Array.isArray(value)
      ? (JSON.parse(JSON.stringify(value)) as JsonObject)
      : null;
  } catch (error) {
    if (error instanceof RetrievalError) throw error;
    // Too many aliases, nesting beyond the stack: no position is known.
    throw invalid('is not YAML that can be read', 1);
  }
}

/** The parser's own message quotes the document, so only its code is passed on. */
function invalid(problem: string, line: number, code?: string): RetrievalError {
  const reason = code === undefined ? '' : ` (${code.toLowerCase().replaceAll('_', ' ')})`;
  return new RetrievalError(
    'invalid_document',
    `The front matter ${problem} at line ${String(line)}${reason}; correct it or remove it`,
    { field: 'content', details: { line } },
  );
}
