/**
 * Makes a checkout ready to run: the right Node, the locked packages, a fresh build. Quick when
 * nothing has changed. Plain Node with no packages, for it runs before there are any.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const NEEDED_NODE = [20, 19];
const SOURCE_FOLDERS = ['src', 'eval', 'test', 'bench'];
const COMPILED = ['.js.map', '.d.ts', '.js'];

/** Installs and builds as far as needed; ends the process with a message when it cannot. */
export function ready() {
  checkNode();
  if (!isInstalled()) {
    say('installing packages (npm ci)');
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  removeStaleFiles();
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  run(process.execPath, [compiler, '-b', ...(isBuildComplete() ? [] : ['--force'])]);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [neededMajor, neededMinor] = NEEDED_NODE;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return;
  fail(`Plumbline needs Node ${NEEDED_NODE.join('.')} or newer; this is ${process.versions.node}.`);
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm keeps its own record of what it
 * installed in node_modules/.package-lock.json, written last: an install that broke off has none.
 */
function isInstalled() {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readLock(join(root, 'package-lock.json'));
  if (installed === null || wanted === null) return false;
  const same = (path, entry) => {
    const found = installed[path];
    // A package for another platform is left out.
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  };
  return (
    Object.entries(wanted).every(([path, entry]) => path === '' || same(path, entry)) &&
    Object.keys(installed).every((path) => path in wanted)
  );
}

function readLock(path) {
  if (!existsSync(path)) return null;
  return JSON.parse(readFileSync(path, 'utf8')).packages ?? null;
}

/** The compiler leaves the output of a source that is gone; a deleted test would run forever. */
function removeStaleFiles() {
  for (const folder of SOURCE_FOLDERS) {
    for (const file of filesUnder(join(root, 'dist', folder))) {
      const ending = COMPILED.find((candidate) => file.endsWith(candidate));
      if (ending === undefined) continue;
      const source = relative(join(root, 'dist'), file).slice(0, -ending.length);
      if (!existsSync(join(root, `${source}.ts`))) rmSync(file);
    }
  }
}

/** Whether every source has its output; the compiler trusts its own record and would not notice. */
function isBuildComplete() {
  return SOURCE_FOLDERS.every((folder) =>
    filesUnder(join(root, folder)).every((file) => {
      if (!file.endsWith('.ts') || file.endsWith('.d.ts')) return true;
      if (file.startsWith(join(root, 'bench', 'peers') + sep)) return true;
      return existsSync(join(root, 'dist', relative(root, file).replace(/\.ts$/u, '.js')));
    }),
  );
}

/** All files below a folder; none when there is no such folder. */
export function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes(`${sep}node_modules`))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function run(command, args) {
  // npm is a script of another kind on Windows, which only a shell finds.
  const shell = process.platform === 'win32' && command === 'npm';
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell });
  if (error !== undefined) fail(`${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

export function say(message) {
  process.stderr.write(`plumbline: ${message}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) ready();
