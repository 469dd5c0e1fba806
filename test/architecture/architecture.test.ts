import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../../src/package-root.js';
import { readFacts, type SourceFacts } from './imports.js';
import { violations } from './rules.js';

function sources(folder: string): readonly SourceFacts[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => readFacts(relative(packageRoot, path).split(sep).join('/'), readFileSync(path, 'utf8')));
}

const files = [...sources('src'), ...sources('eval')];

/** The real files, with one more or one replaced. */
function withPlanted(path: string, text: string): readonly SourceFacts[] {
  return [...files.filter((file) => file.path !== path), readFacts(path, text)];
}

function format(found: ReturnType<typeof violations>): readonly string[] {
  return found.map(({ path, rule }) => `${path}: ${rule}`);
}

describe('architecture', () => {
  test('the sources keep the dependency rules', () => {
    assert.ok(files.some(({ path }) => path === 'src/runtime.ts'));
    assert.ok(files.length > 50);
    assert.deepEqual(format(violations(files)), []);
  });

  test('every import of ours is a file that was read, so that none escapes the rules', () => {
    const known = new Set(files.map(({ path }) => path));
    const unknown = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ internal, target }) => internal && target.endsWith('.ts') && !known.has(target))
        .map(({ target }) => `${path} imports ${target}`),
    );
    assert.deepEqual(unknown, []);
  });
});

describe('the rules catch what they are for', () => {
  const planted: readonly (readonly [name: string, path: string, text: string, rule: RegExp])[] = [
    ['model imports', 'src/model.ts', `import type { Pin } from './pin.js';`, /model\.ts imports nothing/u],
    ['model imports a package', 'src/model.ts', `import { z } from 'zod';`, /model\.ts imports nothing/u],
    ['errors import', 'src/errors.ts', `import { z } from 'zod';`, /errors\.ts imports only/u],
    [
      'a port imports an SDK',
      'src/stores/port.ts',
      `import type { Pool } from 'pg';`,
      /port imports only the domain/u,
    ],
    [
      'the API names an adapter',
      'src/api/x.ts',
      `import { createMemoryStore } from '../stores/memory/index.js';`,
      /only the composition root/u,
    ],
    [
      'a dynamic import of an adapter',
      'src/retrieval/x.ts',
      `export const open = () => import('../stores/pgvector/index.js');`,
      /only the composition root/u,
    ],
    [
      'a type import of an adapter',
      'src/ingest/x.ts',
      `export type Pool = import('../embedders/minilm/pool.js').Pool;`,
      /only the composition root/u,
    ],
    [
      're-exporting an adapter',
      'eval/x.ts',
      `export * from '../src/stores/memory/index.js';`,
      /only the composition root/u,
    ],
    [
      'one adapter imports another',
      'src/stores/pgvector/x.ts',
      `import { evaluate } from '../memory/evaluate.js';`,
      /an adapter imports its port/u,
    ],
    [
      'an adapter imports the configuration',
      'src/embedders/minilm/x.ts',
      `import { loadConfig } from '../../config.js';`,
      /an adapter imports its port/u,
    ],
    [
      'an adapter imports retrieval',
      'src/stores/pgvector/x.ts',
      `import { fuse } from '../../retrieval/fusion.js';`,
      /an adapter imports its port/u,
    ],
    [
      'retrieval imports ingest',
      'src/retrieval/x.ts',
      `import { ingest } from '../ingest/pipeline.js';`,
      /do not know each other/u,
    ],
    ['ingest imports the API', 'src/ingest/x.ts', `import '../api/app.js';`, /do not know each other/u],
    [
      'the API retrieves by itself',
      'src/api/x.ts',
      `import '../retrieval/retrieve.js';`,
      /through the runtime/u,
    ],
    [
      'the command line names a chat model',
      'src/cli/x.ts',
      `import { createBedrockChat } from '../answer/bedrock.js';`,
      /compose\.ts alone names/u,
    ],
    ['the catalog opens a runtime', 'src/catalog/x.ts', `import '../runtime.js';`, /only the CLI opens/u],
    [
      'retrieval imports eval',
      'src/retrieval/x.ts',
      `import '../../eval/measures.js';`,
      /nothing in src imports eval/u,
    ],
    [
      'a check names an adapter',
      'src/conformance/checks/x.ts',
      `import { createMemoryStore } from '../../stores/memory/index.js';`,
      /checks of a store know its port/u,
    ],
    [
      'a check works through the catalog',
      'src/conformance/x.ts',
      `import '../catalog/catalog.js';`,
      /checks of a store know its port/u,
    ],
    [
      'the doctor connects by itself',
      'src/doctor/x.ts',
      `import { openProbe } from '../diagnostics.js';`,
      /judges what it is given/u,
    ],
    [
      'the API runs checks',
      'src/api/x.ts',
      `import '../conformance/run.js';`,
      /nothing in src works by checks/u,
    ],
    ['the environment', 'src/api/x.ts', `export const key = process.env['KEY'];`, /environment/u],
    ['the environment, unpacked', 'src/api/x.ts', `const { env } = process; export { env };`, /environment/u],
    ['the environment, imported', 'src/api/x.ts', `import { env } from 'node:process';`, /environment/u],
    ['the environment, global', 'eval/x.ts', `export const e = globalThis.process.env;`, /environment/u],
    ['the console', 'src/ingest/x.ts', `console.error('no');`, /console/u],
    ['the console, passed on', 'src/ingest/x.ts', `export const log = console;`, /console/u],
  ];

  for (const [name, path, text, rule] of planted) {
    test(name, () => {
      const found = format(violations(withPlanted(path, text))).filter((line) => rule.test(line));
      assert.ok(
        found.length > 0,
        `nothing was found; all: ${format(violations(withPlanted(path, text))).join('\n')}`,
      );
    });
  }

  test('a cycle', () => {
    const cycle = [
      readFacts('src/a.ts', `import { b } from './b.js'; export const a = b;`),
      readFacts('src/b.ts', `export { c as b } from './c.js';`),
      readFacts('src/c.ts', `import { a } from './a.js'; export const c = () => a;`),
    ];
    assert.deepEqual(format(violations(cycle)), [
      'src/a.ts: imports form a cycle: src/a.ts → src/b.ts → src/c.ts → src/a.ts',
    ]);
  });

  test('types alone make no cycle, and a property named console is not the console', () => {
    const fine = [
      readFacts('src/a.ts', `import type { B } from './b.js'; export const a: B = { console: 1 };`),
      readFacts(
        'src/b.ts',
        `import { a } from './a.js'; export type B = { console: number }; export const b = a.console;`,
      ),
    ];
    assert.deepEqual(format(violations(fine)), []);
  });
});
