/** Takes model files out of a jar that Maven fetches: for networks that reach Maven's repository only. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import yauzl from 'yauzl';
import { writeToCache } from './files.js';
import type { ModelFile } from './models.js';

const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy';
const TIMEOUT_MS = 10 * 60_000;

/**
 * Puts each of `files` at its target.
 * @param command the Maven program
 * @throws Error that says why, in words for the user; WrongBytes on a wrong hash.
 */
export async function fetchByMaven(
  command: string,
  artifact: string,
  files: readonly { readonly file: ModelFile; readonly target: string }[],
  cacheDir: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, '.maven-'));
  try {
    await runMaven(
      command,
      ['-B', '-q', COPY_GOAL, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
      folder,
      signal,
    );
    const jar = (await readdir(folder)).find((name) => name.endsWith('.jar'));
    if (jar === undefined) throw new Error(`Maven ended well but copied no jar of ${artifact}`);
    for (const { file, target } of files) {
      const entry = await openEntry(join(folder, jar), file.jarEntry);
      await writeToCache(entry, file, target, `${artifact}'s jar`, signal);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runMaven(
  command: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const combined = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  await new Promise<void>((resolve, reject) => {
    // In the temporary folder, so that no project's pom.xml is read.
    const child = spawn(command, args, { cwd, signal: combined, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-8192);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (timeout.aborted) reject(new Error(`Maven took more than ${TIMEOUT_MS / 60_000} minutes`));
      else if (error.code === 'ENOENT') reject(new Error(`the program "${command}" is not installed`));
      else reject(error);
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`Maven ended with exit code ${code}${firstError(output)}`));
    });
  });
}

function firstError(output: string): string {
  const line = output.split('\n').find((text) => text.includes('ERROR'));
  return line === undefined ? '' : `: ${line.replace(/^.*ERROR\S*\s*/u, '').slice(0, 300)}`;
}

/** The content of one file of a zip archive; the archive is closed when that has been read. */
function openEntry(archive: string, name: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    yauzl.open(archive, { lazyEntries: true }, (openError, zip) => {
      if (openError !== null) {
        reject(openError);
        return;
      }
      zip.on('error', reject);
      zip.on('end', () => reject(new Error(`the jar holds no file ${name}`)));
      zip.on('entry', (entry: yauzl.Entry) => {
        if (entry.fileName !== name) {
          zip.readEntry();
          return;
        }
        zip.openReadStream(entry, (error, stream) => {
          if (error !== null) {
            reject(error);
            zip.close();
            return;
          }
          stream.on('close', () => zip.close());
          resolve(stream);
        });
      });
      zip.readEntry();
    });
  });
}
