/** What there is to say about an Oracle database. Pure. */
import type { OracleInspection } from '../stores/inspection.js';
import { schemaFinding } from './shared.js';
import { size } from './size.js';
import { ok, problem, warning } from './types.js';
import type { Finding } from './types.js';

const OLDEST_MAJOR = 23;
const CHARACTER_SET = 'AL32UTF8';
const NEEDED = ['CREATE SESSION', 'CREATE TABLE', 'CREATE SEQUENCE'] as const;

export function oracleFindings(inspection: OracleInspection): readonly Finding[] {
  const { characterSet, privileges, schema } = inspection;
  const missing = NEEDED.filter((privilege) => !privileges.includes(privilege));
  return [
    serverFinding(inspection),
    characterSet === CHARACTER_SET
      ? ok('character set', characterSet)
      : problem(
          'character set',
          characterSet ?? 'unknown',
          'Use a database with the character set AL32UTF8, in which no text loses characters.',
        ),
    memoryFinding(inspection),
    missing.length === 0
      ? ok('permissions', `Has ${NEEDED.join(', ')}`)
      : problem(
          'permissions',
          `Lacks ${missing.join(', ')}`,
          `Run "GRANT ${missing.join(', ')} TO" this user.`,
        ),
    schemaFinding(schema),
  ];
}

function serverFinding({ version }: OracleInspection): Finding {
  if (version === null) {
    return warning('server', 'Its version cannot be seen', 'Make sure that it is 23ai or newer.');
  }
  if (Number(version.split('.')[0]) >= OLDEST_MAJOR) return ok('server', `Oracle Database ${version}`);
  return problem('server', `Oracle Database ${version}`, 'Use 23ai or newer, which has vectors.');
}

function memoryFinding({ vectorMemoryBytes }: OracleInspection): Finding {
  if (vectorMemoryBytes !== null && vectorMemoryBytes > 0) {
    return ok('memory', `vector_memory_size is ${size(vectorMemoryBytes)}`);
  }
  const what =
    vectorMemoryBytes === null ? 'vector_memory_size cannot be seen by this user' : 'vector_memory_size is 0';
  return warning(
    'memory',
    `${what}: HNSW indexes need it, IVF indexes do not`,
    'Have an administrator set vector_memory_size before a collection with --index hnsw is made.',
  );
}
