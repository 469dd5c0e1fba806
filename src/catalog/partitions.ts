/** By what the vectors of a collection may be partitioned. */
import { RetrievalError } from '../errors.js';
import { isListType, scalarTypeOf } from '../metadata/values.js';
import type { Fields, Partitions } from '../model.js';
import { assertRange } from './assert-range.js';
import type { NewPartitions } from './types.js';

const MIN_PARTITIONS = 2;
const MAX_PARTITIONS = 64;
/** A name is shown this far in messages. */
const SHOWN_NAME = 100;

/** @throws RetrievalError `invalid_request` naming the setting and what to say instead */
export function partitionSettings(input: NewPartitions, fields: Fields): Partitions {
  const { field, count, by = 'value' } = input;
  const shown = `"${field.slice(0, SHOWN_NAME).toWellFormed()}"`;
  const type = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (type === undefined) {
    throw invalid(
      'field',
      `index.partitions.field is ${shown}, which is no declared field of the collection; declare it in its fields`,
    );
  }
  if (isListType(type)) {
    throw invalid(
      'field',
      `index.partitions.field is ${shown}, which is a ${type}; a document with several values has no single partition, so name a field of one value`,
    );
  }
  assertRange('index.partitions.count', count, MIN_PARTITIONS, MAX_PARTITIONS);
  const isDate = scalarTypeOf(type) === 'date';
  if (isDate && by === 'value') {
    throw invalid(
      'by',
      `${shown} is a date, which is partitioned by time; set index.partitions.by to month or year`,
    );
  }
  if (!isDate && by !== 'value') {
    throw invalid(
      'by',
      `index.partitions.by is ${by}, which is for dates, and ${shown} is a ${type}; leave it out or say value`,
    );
  }
  return { field, count, by };
}

function invalid(setting: keyof Partitions, problem: string): RetrievalError {
  return new RetrievalError('invalid_request', problem, { field: `index.partitions.${setting}` });
}
