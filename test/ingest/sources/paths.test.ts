import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '../../../src/errors.js';
import { findFiles } from '../../../src/ingest/sources/paths.js';
import { makeFolder } from './support.js';

/** Ids of files, and `NAME: PROBLEM` of failures, in the order found. */
async function found(cwd: string, ...named: readonly string[]): Promise<readonly string[]> {
  return (await findFiles(named, cwd)).map((one) => {
    if (one.kind === 'file') return one.id;
    return one.item.kind === 'failed' ? `${one.item.name}: ${one.item.error.message}` : 'not a failure';
  });
}

test('a folder is searched for known files, sorted by code point', async (t) => {
  const cwd = await makeFolder(t, {
    'docs/b.md': '',
    'docs/B.txt': '',
    'docs/a/z.HTML': '',
    'docs/a.md': '',
    'docs/é.md': '',
    'docs/rows.jsonl.gz': '',
    'docs/picture.png': '',
    'docs/noext': '',
    'docs/.hidden.md': '',
    'docs/.git/config.txt': '',
    'docs/node_modules/package/readme.md': '',
  });
  const expected = [
    'docs/B.txt',
    'docs/a.md',
    'docs/a/z.HTML',
    'docs/b.md',
    'docs/rows.jsonl.gz',
    'docs/é.md',
  ];
  assert.deepEqual(await found(cwd, 'docs'), expected);
  assert.deepEqual(await found(cwd, './docs/'), expected);
  assert.deepEqual(await found(cwd, join(cwd, 'docs')), expected);
  assert.deepEqual(await found(cwd, '.'), expected);
});

test('what is named is taken: hidden files, unknown endings, in the order named, each once', async (t) => {
  const cwd = await makeFolder(t, { 'z.md': '', 'a.md': '', '.note.md': '', data: '', '.h/inner.md': '' });
  assert.deepEqual(await found(cwd, 'z.md', './a.md', 'data', '.note.md', '.h', 'z.md', '*.md'), [
    'z.md',
    'a.md',
    'data',
    '.note.md',
    '.h/inner.md',
  ]);
});

test('ids are paths from the working folder, and absolute outside it', async (t) => {
  const root = await makeFolder(t, { 'work/in.md': '', 'out.md': '', 'work..2/near.md': '' });
  const cwd = join(root, 'work');
  assert.deepEqual(await found(cwd, 'in.md', '../work/in.md', '../out.md', '../work..2'), [
    'in.md',
    `${root}/out.md`,
    `${root}/work..2/near.md`,
  ]);
});

test('a working folder that is reached over a link gives the same ids', async (t) => {
  const root = await makeFolder(t, { 'work/in.md': '' });
  await symlink('work', join(root, 'link'));
  assert.deepEqual(await found(join(root, 'work'), join(root, 'link', 'in.md')), ['in.md']);
  assert.deepEqual(await found(join(root, 'link'), join(root, 'work', 'in.md')), ['in.md']);
});

test('what is missing, or a folder without documents, is a failure', async (t) => {
  const cwd = await makeFolder(t, { 'a.md': '', 'pictures/p.png': '' });
  await mkdir(join(cwd, 'empty'));
  const [gone, below, empty, pictures, last, ...more] = await found(
    cwd,
    'gone.md',
    'a.md/b.md',
    'empty',
    'pictures',
    'a.md',
  );
  assert.equal(gone, 'gone.md: does not exist');
  assert.equal(below, 'a.md/b.md: does not exist');
  assert.match(empty ?? '', /^empty: is a folder without documents \(\.md /u);
  assert.match(pictures ?? '', /^pictures: is a folder without documents/u);
  assert.equal(last, 'a.md');
  assert.deepEqual(more, []);
});

test('linked files and folders are followed; every real folder is read once', async (t) => {
  const root = await makeFolder(t, {
    'work/docs/one.md': '',
    'work/docs/sub/two.md': '',
    'far/three.md': '',
  });
  const cwd = join(root, 'work');
  await symlink('one.md', join(cwd, 'docs', 'also.md'));
  await symlink(join(root, 'far'), join(cwd, 'docs', 'a-far'));
  await symlink(join(root, 'far'), join(cwd, 'docs', 'b-far'));
  // Sorted before the real folder, which all the same keeps its own path.
  await symlink('sub', join(cwd, 'docs', 'aaa'));
  await symlink('..', join(cwd, 'docs', 'sub', 'up'));
  await symlink('../..', join(cwd, 'docs', 'sub', 'higher'));
  const expected = ['docs/a-far/three.md', 'docs/also.md', 'docs/one.md', 'docs/sub/two.md'];
  assert.deepEqual(await found(cwd, 'docs'), expected);
});

test('a broken link is a failure where documents may be behind it', async (t) => {
  const cwd = await makeFolder(t, { 'docs/a.md': '' });
  for (const name of ['broken.md', 'folder', 'picture.png', '.hidden']) {
    await symlink('nowhere', join(cwd, 'docs', name));
  }
  await symlink('loop.md', join(cwd, 'docs', 'loop.md'));
  const expected = [
    'docs/a.md',
    'docs/broken.md: does not exist',
    'docs/folder: does not exist',
    'docs/loop.md: is a symbolic link that leads back to itself',
  ];
  assert.deepEqual(await found(cwd, 'docs'), expected);
  assert.deepEqual(await found(cwd, 'docs/broken.md'), ['docs/broken.md: does not exist']);
});

test('globs: sorted, hidden files and node_modules left out unless named', async (t) => {
  const cwd = await makeFolder(t, {
    'b.md': '',
    'a.txt': '',
    'sub/c.md': '',
    'sub/[d].md': '',
    '.h/e.md': '',
    'node_modules/p/f.md': '',
  });
  assert.deepEqual(await found(cwd, '**/*.md'), ['b.md', 'sub/[d].md', 'sub/c.md']);
  assert.deepEqual(await found(cwd, '*.{md,txt}'), ['a.txt', 'b.md']);
  assert.deepEqual(await found(cwd, '.h/*.md', 'node_modules/**/*.md'), ['.h/e.md', 'node_modules/p/f.md']);
  assert.deepEqual(await found(cwd, join(cwd, 'sub/*')), ['sub/[d].md', 'sub/c.md']);
  // A file of exactly that name comes before the glob's meaning.
  assert.deepEqual(await found(cwd, 'sub/[d].md'), ['sub/[d].md']);
  assert.deepEqual(await found(cwd, '*.html', 'gone/*.md'), [
    '*.html: matches no file',
    'gone: does not exist',
  ]);
});

test('a glob may begin above the working folder, and lead back into it', async (t) => {
  const root = await makeFolder(t, { 'work/in.md': '', 'near/out.md': '', 'work/sub/deep.md': '' });
  const cwd = join(root, 'work');
  assert.deepEqual(await found(cwd, '../near/*.md'), [`${root}/near/out.md`]);
  assert.deepEqual(await found(cwd, '../*/*.md'), [`${root}/near/out.md`, 'in.md']);
  assert.deepEqual(await found(join(cwd, 'sub'), './../../work/*/*.md'), ['deep.md']);
});

test('a glob too reads every real folder once, by its own path where it has one', async (t) => {
  const root = await makeFolder(t, { 'work/docs/one.md': '', 'far/three.md': '' });
  const cwd = join(root, 'work');
  await symlink('..', join(cwd, 'docs', 'a-loop'));
  await symlink(join(root, 'far'), join(cwd, 'docs', 'a-far'));
  await symlink(join(root, 'far'), join(cwd, 'docs', 'b-far'));
  await symlink('one.md', join(cwd, 'docs', 'also.md'));
  assert.deepEqual(await found(cwd, '**/*.md'), ['docs/a-far/three.md', 'docs/also.md', 'docs/one.md']);
});

test('a broken link that a glob would take, or look behind, is a failure', async (t) => {
  const cwd = await makeFolder(t, { 'docs/a.md': '', 'docs/sub/b.md': '' });
  for (const name of ['broken.md', 'folder', 'picture.png']) {
    await symlink('nowhere', join(cwd, 'docs', name));
  }
  const broken = 'docs/broken.md: does not exist';
  const folder = 'docs/folder: does not exist';
  assert.deepEqual(await found(cwd, 'docs/*.md'), ['docs/a.md', broken]);
  assert.deepEqual(await found(cwd, 'docs/*/*.md'), ['docs/sub/b.md', folder]);
  assert.deepEqual(await found(cwd, 'docs/**/*.md'), ['docs/a.md', 'docs/sub/b.md', broken, folder]);
  assert.deepEqual(await found(cwd, 'docs/*.txt'), ['docs/*.txt: matches no file']);
});

test('searching ends when it is cancelled', async (t) => {
  const cwd = await makeFolder(t, { 'a.md': '' });
  await assert.rejects(findFiles(['a.md'], cwd, AbortSignal.abort()), (error) => hasCode(error, 'cancelled'));
});
