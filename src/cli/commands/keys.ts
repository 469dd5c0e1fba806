/** `plumbline keys`: API keys. Made here, kept nowhere; the server knows their hashes only. */
import { createHash, randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { EXIT, printJson, printLine, type Context, type Run } from '../context.js';

const KEY_BYTES = 32;

export function addKeys(program: Command, context: Context, run: Run): void {
  const keys = program.command('keys').description('API keys of the server');
  keys
    .command('create')
    .description('Make a key; it is shown once, and the server is given its hash only')
    .option('--json', 'print JSON')
    .action((options: { readonly json?: true }) =>
      run(() => {
        const { key, sha256 } = createKey();
        if (options.json === true) printJson(context.stdout, { key, sha256 });
        else {
          printLine(context.stdout, `key      ${key}`);
          printLine(context.stdout, `sha-256  ${sha256}`);
          printLine(context.stdout);
          printLine(context.stdout, 'Keep the key; it is not shown again. Give the server its hash:');
          printLine(context.stdout, `  PLUMBLINE_API_KEY_HASHES=${sha256}`);
          printLine(context.stdout, 'and send the key with each request:');
          printLine(context.stdout, '  Authorization: Bearer <key>');
        }
        return Promise.resolve(EXIT.ok);
      }),
    );
}

function createKey(): { readonly key: string; readonly sha256: string } {
  const key = `plk_${randomBytes(KEY_BYTES).toString('base64url')}`;
  return { key, sha256: createHash('sha256').update(key).digest('hex') };
}
