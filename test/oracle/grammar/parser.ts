/** Asks Apache ShardingSphere's Oracle parser, which Maven fetches and a small program runs. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../../src/package-root.js';

const run = promisify(execFile);
const SOURCES = join(packageRoot, 'test', 'oracle', 'grammar');

export interface OracleParser {
  /** For each statement, whether the grammar takes it. */
  accepts(statements: readonly string[]): Promise<readonly boolean[]>;
  close(): Promise<void>;
}

/** @throws when there is no JDK, or Maven cannot fetch the parser */
export async function openOracleParser(): Promise<OracleParser> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-grammar-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const list = join(folder, 'classpath');
    await run('mvn', [
      '-q',
      '-B',
      '-f',
      join(SOURCES, 'pom.xml'),
      'dependency:build-classpath',
      `-Dmdep.outputFile=${list}`,
    ]);
    const packages = (await readFile(list, 'utf8')).trim();
    await run('javac', ['-cp', packages, '-d', folder, join(SOURCES, 'ParseOracle.java')]);
    const classpath = [folder, packages].join(':');
    return { accepts: (statements) => ask(classpath, statements), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function ask(classpath: string, statements: readonly string[]): Promise<readonly boolean[]> {
  const child = spawn(
    'java',
    ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classpath, 'ParseOracle'],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdin.end(statements.join('\0'));
  let output = '';
  for await (const part of child.stdout.setEncoding('utf8')) output += String(part);
  const status = await ended;
  const answers = output.trim().split('\n');
  if (status !== 0 || answers.length !== statements.length) {
    throw new Error(`The Oracle parser ended with ${String(status)} after ${String(answers.length)} answers`);
  }
  return answers.map((answer) => answer === 'yes');
}
