import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import type { ZodType } from 'zod';
import { answerRequestSchema } from '../../src/answer/schema.js';
import { newCollectionSchema } from '../../src/api/schemas/collection.js';
import {
  countBodySchema,
  deleteBodySchema,
  listBodySchema,
  putDocumentsSchema,
} from '../../src/api/schemas/document.js';
import { newEvalSetSchema, newGateSchema } from '../../src/api/schemas/gate.js';
import { activateSchema, newGenerationSchema } from '../../src/api/schemas/generation.js';
import type { Context } from '../../src/cli/context.js';
import { createProgram } from '../../src/cli/program.js';
import { parseFilter } from '../../src/retrieval/filter/parse.js';
import { queryRequestSchema } from '../../src/retrieval/schema.js';
import { packageRoot } from '../../src/package-root.js';
import { readDoc } from './markdown.js';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(packageRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

interface Example {
  readonly page: string;
  /** The command's words, quotes removed. */
  readonly words: readonly string[];
}

/** Commands in the shell blocks of all pages; a line that ends in `\`, or in an open quote, goes on. */
const examples: readonly Example[] = pages.flatMap((page) =>
  [...readDoc(page).matchAll(/^```sh\n([\s\S]*?)^```/gmu)].flatMap(([, block = '']) =>
    splitCommands(block).map((words) => ({ page, words })),
  ),
);

function splitCommands(block: string): readonly (readonly string[])[] {
  const commands: string[][] = [];
  let words: string[] = [];
  const word = /\\\n|(\n)|#[^\n]*|((?:'[^']*'|"[^"]*"|[^\s'"\\])+)|[^\S\n]+/guy;
  for (const [, newline, text] of `${block}\n`.matchAll(word)) {
    if (text !== undefined) words.push(text.replaceAll(/'([^']*)'|"([^"]*)"/gu, '$1$2'));
    if (newline !== undefined && words.length > 0) {
      commands.push(words);
      words = [];
    }
  }
  return commands;
}

function emptyContext(): Context {
  const output = { stream: new Writable(), isTerminal: false, hasColour: false, columns: 80 };
  const unused = (): never => {
    throw new Error('Only the options are looked at');
  };
  return {
    stdin: Readable.from([]),
    stdout: output,
    stderr: output,
    cwd: packageRoot,
    signal: new AbortController().signal,
    loadConfig: unused,
    openRuntime: unused,
  };
}

/** Parses a command line as the program would, without running it. */
function parseCommand(words: readonly string[]): void {
  const program = createProgram(emptyContext(), () => Promise.resolve(), '0.0.0');
  silence(program);
  program.parse(words, { from: 'user' });
}

function silence(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) silence(child);
}

describe('examples of the command line', () => {
  const commands = examples.flatMap(({ page, words }) => {
    const at = words.findIndex((word) => word === 'plumbline' || word === 'bin/plumbline.js');
    const rest = words.slice(at + 1);
    const end = rest.findIndex((word) => /^[|>&]/u.test(word));
    return at < 0 || words[0] === 'docker' ? [] : [{ page, words: end < 0 ? rest : rest.slice(0, end) }];
  });

  test('there are some', () => {
    assert.ok(commands.length >= 10);
  });

  for (const { page, words } of commands) {
    test(`${page}: plumbline ${words.join(' ')}`, () => {
      parseCommand(words);
    });
  }

  test('a misspelt option would be noticed', () => {
    assert.throws(() => {
      parseCommand(['query', 'handbook', 'why?', '--explian']);
    });
  });
});

const BODIES: readonly (readonly [method: string, path: RegExp, body: ZodType])[] = [
  ['POST', /^\/v1\/collections$/u, newCollectionSchema],
  ['PUT', /^\/v1\/collections\/[^/]+\/documents$/u, putDocumentsSchema],
  ['POST', /^\/v1\/collections\/[^/]+\/documents\/list$/u, listBodySchema],
  ['POST', /^\/v1\/collections\/[^/]+\/documents\/count$/u, countBodySchema],
  ['POST', /^\/v1\/collections\/[^/]+\/documents\/delete$/u, deleteBodySchema],
  ['POST', /^\/v1\/collections\/[^/]+\/query$/u, queryRequestSchema],
  ['POST', /^\/v1\/collections\/[^/]+\/answer$/u, answerRequestSchema],
  ['POST', /^\/v1\/collections\/[^/]+\/generations$/u, newGenerationSchema],
  ['POST', /^\/v1\/collections\/[^/]+\/generations\/\d+\/gate$/u, newGateSchema],
  ['POST', /^\/v1\/collections\/[^/]+\/generations\/\d+\/activate$/u, activateSchema],
  ['PUT', /^\/v1\/collections\/[^/]+\/evalsets\/[^/]+$/u, newEvalSetSchema],
];

describe('examples of the REST API', () => {
  const calls = examples
    .filter(({ words }) => words[0] === 'curl' && words.includes('-d'))
    .map(({ page, words }) => ({
      page,
      method: words[words.indexOf('-X') + 1] ?? '',
      given: words.includes('-X'),
      path: (words.find((word) => /^(?:\$URL|http:)/u.test(word)) ?? '').replace(
        /^\$URL|^http:\/\/[^/]+/u,
        '',
      ),
      body: words[words.indexOf('-d') + 1] ?? '',
    }));

  test('there are some', () => {
    assert.ok(calls.length >= 6);
  });

  for (const { page, method, given, path, body } of calls) {
    const verb = given ? method : 'POST';
    test(`${page}: ${verb} ${path} ${body.replaceAll(/\s+/gu, ' ').slice(0, 60)}`, () => {
      const schema = BODIES.find(([known, pattern]) => known === verb && pattern.test(path))?.[2];
      assert.ok(schema !== undefined, 'there is no such route');
      schema.parse(JSON.parse(body));
    });
  }
});

describe('examples of filters', () => {
  const fields = {
    dept: 'keyword',
    tags: 'keyword[]',
    version: 'number',
    published_at: 'date',
    field: 'keyword',
  } as const;
  const inline = [...readDoc('docs/filters.md').matchAll(/`(\{"[^`]*\})`/gu)].map(([, text = '']) => text);
  const blocks = [...readDoc('docs/filters.md').matchAll(/^```json\n([\s\S]*?)^```/gmu)].map(
    ([, text = '']) => text,
  );
  // Shown because they are refused, or as a part of a condition or of metadata.
  const notFilters = new Set(['{"version": "3"}', '{"$and": [{}]}', '{"author": {"name": "Ada"}}']);

  for (const text of [...inline, ...blocks]) {
    if (notFilters.has(text)) continue;
    test(text.replaceAll(/\s+/gu, ' '), () => {
      const value: unknown = JSON.parse(text);
      // A part such as {"$ne": null} is what stands behind a field.
      const isPart = /^\{"\$(?:eq|ne|exists)"/u.test(text);
      parseFilter(isPart ? { field: value } : value, fields);
    });
  }
});
