/** Findings that are made alike for every backend. */
import type { IndexState, Permission, SchemaState } from '../stores/inspection.js';
import { ok, problem, warning } from './types.js';
import type { Finding } from './types.js';

export function schemaFinding({ applied, known }: SchemaState): Finding {
  if (applied === null) return ok('schema', 'There is none yet; it is made at the first start');
  if (applied === known) return ok('schema', `Version ${String(applied)}, which is this Plumbline's`);
  if (applied < known) {
    return warning(
      'schema',
      `Version ${String(applied)}; this Plumbline brings it to ${String(known)} when it starts`,
      'Make a backup first, and stop older Plumblines on the same store: they do not start again on the new schema.',
    );
  }
  return problem(
    'schema',
    `Version ${String(applied)}; this Plumbline knows up to ${String(known)}`,
    'Use the newer Plumbline that has been here.',
  );
}

/** @param advice how whoever administers the server allows it */
export function permissionFindings(
  permissions: Readonly<Record<string, Permission>>,
  advice: (action: string) => string,
): readonly Finding[] {
  return Object.entries(permissions).map(([action, permission]) =>
    permission.allowed
      ? ok('permissions', `May ${action}`)
      : problem('permissions', `May not ${action} (${permission.code})`, advice(action)),
  );
}

export function indexFindings(indexes: readonly IndexState[]): readonly Finding[] {
  const approximate = indexes.filter(({ kind }) => kind !== 'none');
  const of = (state: IndexState['state']): readonly IndexState[] =>
    approximate.filter((index) => index.state === state);
  const findings: Finding[] = [];
  const [ready, waiting] = [of('ready').length, of('not_built').length];
  if (ready + waiting > 0) {
    const later = waiting === 0 ? '' : `, ${String(waiting)} not due yet or waiting for the end of a load`;
    findings.push(ok('vector indexes', `${String(ready)} built${later}`));
  }
  for (const { collection, kind } of of('broken')) {
    findings.push(
      problem(
        `collection ${collection}`,
        `Its ${kind} index is missing, not valid, or set otherwise than Plumbline sets it`,
        'Ingest its documents into a new collection, and delete this one.',
      ),
    );
  }
  for (const { collection } of indexes.filter(({ state }) => state === 'read_only')) {
    findings.push(
      problem(
        `collection ${collection}`,
        'The server takes no writes for it',
        'Make room on the disk and remove the index block that the server has set.',
      ),
    );
  }
  return findings;
}
