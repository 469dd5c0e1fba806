/**
 * `npm run demo:bedrock`: reranking, an answer with citations and a knowledge base, against a
 * stand-in for Amazon Bedrock that runs in this process. Needs no AWS account and no network.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ready, root } from './ready.mjs';

// A test of this script has built already, and may run beside others.
if (process.argv[2] !== '--built') ready();

const { runDemo } = await import(pathToFileURL(join(root, 'dist', 'test', 'bedrock', 'demo.js')).href);
await runDemo((line) => process.stdout.write(`${line}\n`));
