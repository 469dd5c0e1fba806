/** Looks at everything that Plumbline needs, as far as it can be reached, and says what it found. */
import { RetrievalError, hasCode } from '../errors.js';
import type { Inspection } from '../stores/inspection.js';
import type { CallOptions } from '../stores/port.js';
import { modelFinding, pinFinding } from './embedders.js';
import { openSearchFindings } from './opensearch.js';
import { oracleFindings } from './oracle.js';
import { postgresFindings } from './postgres.js';
import { permissionFindings } from './shared.js';
import { ok, problem } from './types.js';
import type { DataFolder, EmbedderState, Finding, Instruments } from './types.js';

/** @throws RetrievalError `cancelled` */
export async function examine(instruments: Instruments, options: CallOptions): Promise<readonly Finding[]> {
  const folder = await instruments.dataFolder();
  // Looking into a data folder that is not there would make it.
  const { findings, canOpen } =
    folder?.exists === false ? { findings: [], canOpen: false } : await backendFindings(instruments, options);
  return [
    ...(folder === null ? [] : [folderFinding(folder)]),
    ...findings,
    ...(await modelFindings(instruments, canOpen, options)),
  ];
}

function folderFinding({ path, exists, writable }: DataFolder): Finding {
  if (!writable) {
    return problem(
      'data folder',
      `${path} cannot be written to`,
      'Give this user the right to write there, or name another folder in PLUMBLINE_STORE_URL.',
    );
  }
  return ok('data folder', exists ? path : `${path} is not there yet; it is made at the first start`);
}

interface BackendFindings {
  readonly findings: readonly Finding[];
  /** Whether a store can be opened on it without changing its schema. */
  readonly canOpen: boolean;
}

async function backendFindings(instruments: Instruments, options: CallOptions): Promise<BackendFindings> {
  try {
    const probe = await instruments.openProbe();
    if (probe === null) return { findings: [], canOpen: true };
    try {
      const inspection = await probe.inspect(options);
      const findings = inspectionFindings(inspection, instruments.poolSize);
      const permissions = permissionFindings(
        await probe.permissions(instruments.scratch, options),
        (action) => adviceFor(inspection.kind, action),
      );
      const all = [...findings, ...permissions];
      const isFit = !all.some(({ area, level }) => level === 'problem' && BLOCKING.includes(area));
      return { findings: all, canOpen: isFit && isCurrent(inspection) };
    } finally {
      await probe.close();
    }
  } catch (error) {
    return { findings: [asFinding('store', error)], canOpen: false };
  }
}

/** With a problem in these, the store does not open. */
const BLOCKING: readonly string[] = ['server', 'pgvector', 'character set', 'permissions'];

function isCurrent(inspection: Inspection): boolean {
  return inspection.kind === 'memory' || inspection.schema.applied === inspection.schema.known;
}

function inspectionFindings(inspection: Inspection, poolSize: number): readonly Finding[] {
  switch (inspection.kind) {
    case 'postgresql':
    case 'pglite':
      return postgresFindings(inspection, poolSize);
    case 'opensearch':
      return openSearchFindings(inspection);
    case 'oracle':
      return oracleFindings(inspection);
    case 'memory':
      return [];
    default:
      return inspection satisfies never;
  }
}

function adviceFor(kind: Inspection['kind'], action: string): string {
  switch (kind) {
    case 'postgresql':
    case 'pglite':
      return action === 'create the extension'
        ? 'Run "create extension vector" in this database as a role that may.'
        : 'Run "grant create on database … to" this role, or make it the owner of the schema "plumbline".';
    case 'opensearch':
      return 'Allow this user to create, write, read and delete indexes whose names begin with the prefix.';
    case 'oracle':
      return 'Grant this user CREATE TABLE and CREATE SEQUENCE, and a quota on its tablespace.';
    case 'memory':
      return '';
    default:
      return kind satisfies never;
  }
}

async function modelFindings(
  instruments: Instruments,
  canOpen: boolean,
  options: CallOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const states = new Map<string, EmbedderState | null>();
  const look = async (name: string): Promise<EmbedderState | null> => {
    const known = states.get(name);
    if (known !== undefined) return known;
    try {
      const state = await instruments.inspectEmbedder(name, options);
      states.set(name, state);
      // One that is not known here is told with its collection.
      if (state.pin !== null) findings.push(modelFinding(state));
      return state;
    } catch (error) {
      states.set(name, null);
      findings.push(asFinding(`model ${name}`, error));
      return null;
    }
  };
  await look(instruments.defaultEmbedder);
  if (!canOpen) return findings;
  try {
    for (const collection of await instruments.listCollections(options)) {
      const state = await look(collection.generation.embedder);
      if (state !== null) findings.push(pinFinding(collection, state));
    }
  } catch (error) {
    findings.push(asFinding('store', error));
  }
  return findings;
}

/** What the error says; no other kind of error has a message that may be shown. */
function asFinding(area: string, error: unknown): Finding {
  if (hasCode(error, 'cancelled')) throw error;
  if (!(error instanceof RetrievalError)) {
    return problem(
      area,
      'Looking at it failed in a way that was not foreseen',
      'Run it again with PLUMBLINE_LOG_LEVEL=debug, and please report it.',
    );
  }
  return problem(area, `${error.message} (${error.code})`, ADVICE[error.code] ?? 'Do what the message says.');
}

const ADVICE: Readonly<Partial<Record<RetrievalError['code'], string>>> = {
  store_unavailable: 'See that PLUMBLINE_STORE_URL is right, its server up, and its user known there.',
  data_folder_in_use: 'Stop the process that has it open, or run the doctor when it is down.',
  model_unavailable: 'See what the message names, and that its credentials are there.',
};
