/** Adding fields to a collection: a column of its documents and of each generation's vectors. */
import type { Fields } from '../../model.js';
import { newFields } from '../new-fields.js';
import { integer, text } from './binds.js';
import { toColumns } from './columns.js';
import type { FieldColumn } from './columns.js';
import type { Definer, Session } from './database.js';
import { lockCollection } from './locks.js';
import type { Names } from './names.js';
import { addColumn, createIndexes, dropColumn } from './tables.js';

/** The column, or its index, is there. */
const COLUMN_THERE = 'ORA-01430';
const NAME_THERE = 'ORA-00955';

/** @throws RetrievalError `collection_not_found`, `field_type_conflict` */
export async function addFields(
  session: Session,
  definer: Definer,
  names: Names,
  name: string,
  fields: Fields,
): Promise<void> {
  const { id, columns: before, generations } = await lockCollection(session, names, name);
  const added = newFields(before, fields);
  if (added.length === 0) return;
  const all = [...before.map((field) => ({ name: field.name, type: field.type })), ...added];
  const tables = [
    names.collection(id).documents,
    ...generations.map((generation) => names.generation(generation.id).vectors),
  ];
  for (const table of tables) {
    for (const column of toColumns(all).slice(before.length)) await makeColumn(definer, table, column);
  }
  await session.run({
    text: `UPDATE ${names.collections} SET fields = :b_1 WHERE id = :b_2`,
    binds: { b_2: integer(id), b_1: text(JSON.stringify(all)) },
  });
}

/** A column that is there was made by a call that did not end: nobody has used it, whatever its type. */
async function makeColumn(definer: Definer, table: string, column: FieldColumn): Promise<void> {
  if (!(await definer.define(addColumn(table, column), [COLUMN_THERE]))) {
    await definer.define(dropColumn(table, column));
    await definer.define(addColumn(table, column));
  }
  for (const definition of createIndexes(table, [column])) await definer.define(definition, [NAME_THERE]);
}
