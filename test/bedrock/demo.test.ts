import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.js';

test('npm run demo:bedrock answers with citations and asks a knowledge base', async () => {
  const script = join(packageRoot, 'scripts', 'demo-bedrock.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--built'], { cwd: packageRoot });
  assert.match(stdout, /1\. Collection "docs": \d+ documents of docs\//u);
  assert.match(stdout, /Answer: .* \[S\d+\]/u);
  assert.match(stdout, /\[S\d+\] docs\/\w+\.md · .*\n +“.+”/u);
  assert.match(stdout, /s3:\/\/plumbline-docs\/ranking\.md/u);
  for (const path of [
    '/rerank',
    `/model/amazon.nova-lite-v1:0/converse-stream`,
    '/knowledgebases/KBDEMO0001/retrieve',
  ]) {
    assert.ok(stdout.includes(path), path);
  }
});
