import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../../src/package-root.js';
import { readDoc } from './markdown.js';

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(packageRoot, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** A heading's anchor, as GitHub makes it. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/gu, '-');
}

function anchors(page: string): ReadonlySet<string> {
  const text = readDoc(page).replace(/^```[\s\S]*?^```/gmu, '');
  return new Set([...text.matchAll(/^#{1,6} (.+)$/gmu)].map((match) => anchor(match[1] ?? '')));
}

describe('links in the documentation', () => {
  for (const page of pages) {
    test(page, () => {
      const text = readDoc(page)
        .replace(/^```[\s\S]*?^```/gmu, '')
        .replace(/`[^`\n]*`/gu, '');
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/gu)) {
        if (/^[a-z]+:/u.test(target)) continue;
        const [path = '', fragment] = target.split('#');
        const file = path === '' ? page : relative(packageRoot, join(packageRoot, dirname(page), path));
        assert.ok(existsSync(join(packageRoot, file)), `${page} links to ${target}, which does not exist`);
        if (fragment !== undefined && file.endsWith('.md')) {
          assert.ok(anchors(file).has(fragment), `${page} links to ${target}, but there is no such heading`);
        }
      }
    });
  }

  test('every page of docs/ can be reached from the README or the index of decisions', () => {
    const linked = new Set(
      ['README.md', 'docs/decisions/README.md'].flatMap((page) =>
        [...readDoc(page).matchAll(/\]\(([^)#\s]+)/gu)].map(([, target = '']) => join(dirname(page), target)),
      ),
    );
    const lost = pages.filter(
      (page) => page.startsWith('docs') && !page.startsWith('docs/benchmarks') && !linked.has(page),
    );
    assert.deepEqual(lost, []);
  });

  // What was promised and then built went on being promised for a while.
  test('no page promises what is not there', () => {
    const promises = pages
      .filter((page) => !page.startsWith('docs/decisions'))
      .filter((page) => /\bplanned\b|coming soon|no code for it|\bTODO\b/iu.test(readDoc(page)));
    assert.deepEqual(promises, []);
  });
});
