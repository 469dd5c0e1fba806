/** Oracle's errors for PostgreSQL's: the same fault, under the code that Oracle has for it. */

const CODES: Readonly<Record<string, readonly [number: number, text: string]>> = {
  '23505': [1, 'unique constraint violated'],
  '23502': [1400, 'cannot insert NULL'],
  '23503': [2291, 'integrity constraint violated - parent key not found'],
  '23514': [2290, 'check constraint violated'],
  '22001': [12_899, 'value too large for column'],
  '42P01': [942, 'table or view does not exist'],
  '42703': [904, 'invalid identifier'],
  '42701': [1430, 'column being added already exists in table'],
  '42P07': [955, 'name is already used by an existing object'],
};

/** An error as the driver makes it of a server's answer; the driver itself reads the code from it. */
export function oracleError(errorNum: number, text: string): Error {
  return Object.assign(new Error(`ORA-${String(errorNum).padStart(5, '0')}: ${text}`), {
    errorNum,
    offset: 0,
  });
}

export function toOracleError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (/expected \d+ dimensions|different vector dimensions/u.test(error.message)) {
    return oracleError(
      51_803,
      'Vector dimension count must match the dimension count specified in the column',
    );
  }
  if (!('code' in error) || typeof error.code !== 'string') return error;
  const known = CODES[error.code];
  // Anything else is a fault of the statement, or of the translation: shown as it is.
  return oracleError(known?.[0] ?? 900, known?.[1] ?? `${error.message} (${error.code})`);
}
