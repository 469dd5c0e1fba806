/** LangChain.js' stores, from a folder of packages of their own that is installed when it is missing. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../../src/package-root.js';

export interface PeerRow {
  readonly id: string;
  readonly vector: readonly number[];
  readonly text: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface Peer {
  add(rows: readonly PeerRow[]): Promise<void>;
  /** What its documentation says to do after a load. */
  finish(): Promise<void>;
  /** Ids of the chunks that it finds. */
  search(vector: readonly number[], k: number, filter?: object): Promise<readonly string[]>;
  close(): Promise<void>;
}

interface GraphOptions {
  readonly m: number;
  readonly efConstruction: number;
}

interface Peers {
  openPgVector(options: GraphOptions & { readonly url: string; readonly dimensions: number }): Promise<Peer>;
  openOpenSearch(
    options: GraphOptions & {
      readonly node: string;
      readonly auth?: { readonly username: string; readonly password: string };
      readonly index: string;
      readonly engine: string;
    },
  ): Promise<Peer>;
}

const FOLDER = join(packageRoot, 'bench', 'peers', 'langchain');

export async function loadPeers(): Promise<Peers> {
  if (!existsSync(join(FOLDER, 'node_modules', '@langchain', 'community'))) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: FOLDER,
      stdio: 'inherit',
    });
  }
  return (await import(pathToFileURL(join(FOLDER, 'stores.mjs')).href)) as Peers;
}
