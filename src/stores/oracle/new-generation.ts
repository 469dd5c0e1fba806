/** A new generation's row, and the numbers that rows are known by. */
import type { Generation } from '../../model.js';
import type { GenerationSpec } from '../generations-port.js';
import type { CallOptions } from '../port.js';
import type { LoadType } from './binds.js';
import type { Database, Session } from './database.js';
import type { Names } from './names.js';

/** Over the database, or within a transaction. */
export async function nextId(
  runner: Pick<Database, 'query'>,
  names: Names,
  options?: CallOptions,
): Promise<number> {
  const [row] = await runner.query({ text: `SELECT ${names.ids}.NEXTVAL AS id FROM DUAL` }, options);
  return Number(row?.['id']);
}

export async function insertGeneration(
  session: Session,
  names: Names,
  spec: GenerationSpec,
  own: { readonly id: number; readonly collectionId: number; readonly state: Generation['state'] },
): Promise<void> {
  const columns: readonly (readonly [string, LoadType])[] = [
    ['id', 'integer'],
    ['collection_id', 'integer'],
    ['state', 'text'],
    ['embedder', 'text'],
    ['metric', 'text'],
    ['pin', 'clob'],
    ['chunker', 'clob'],
    ['vector_index', 'clob'],
  ];
  await session.load(names.generations, columns, [
    [
      own.id,
      own.collectionId,
      own.state,
      spec.embedder,
      spec.metric,
      JSON.stringify(spec.pin),
      JSON.stringify(spec.chunker),
      JSON.stringify(spec.index),
    ],
  ]);
}
