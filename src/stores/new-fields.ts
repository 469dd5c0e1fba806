import { RetrievalError } from '../errors.js';
import type { Fields, FieldType } from '../model.js';

/** A field with its type, as a list of columns has it. */
export interface NamedField {
  readonly name: string;
  readonly type: FieldType;
}

/**
 * Those of `fields` that a collection does not have yet.
 * @throws RetrievalError `field_type_conflict` when it has one as another type
 */
export function newFields(known: readonly NamedField[], fields: Fields): NamedField[] {
  const before = new Map(known.map(({ name, type }) => [name, type]));
  return Object.entries(fields).flatMap(([name, type]) => {
    const has = before.get(name);
    if (has === undefined) return [{ name, type }];
    if (has === type) return [];
    throw new RetrievalError(
      'field_type_conflict',
      `Field "${name}" is a ${has} in this collection; it cannot also be a ${type}`,
      { field: `metadata.${name}`, details: { expected: has, given: type } },
    );
  });
}
