#!/usr/bin/env node
// Starts the compiled command line. Plain JavaScript, so that it can say what is missing.
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const program = new URL('../dist/src/cli.js', import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`plumbline: Node 20.19 or newer is needed; this is ${process.versions.node}\n`);
  process.exitCode = 3;
} else if (!existsSync(program)) {
  process.stderr.write('plumbline: not built yet; run "npm run ready" in its folder\n');
  process.exitCode = 3;
} else {
  const { main } = await import(program.href);
  await main();
}
