/** The same statements on one bare connection that has the same settings. */
import pg from 'pg';
import { toSql } from 'pgvector';
import { sessionSettings } from '../../src/stores/pgvector/session-settings.js';
import { vectorFeatures } from '../../src/stores/pgvector/versions.js';
import { createRecorder } from '../http/recorder.js';
import type { Bare } from './bare.js';

const TIMEOUT_MS = 30_000;

export async function barePostgres(url: string): Promise<Bare> {
  const recorder = createRecorder();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ readonly version: string }>(
    "select extversion as version from pg_extension where extname = 'vector'",
  );
  await client.query(sessionSettings(TIMEOUT_MS, vectorFeatures(rows[0]?.version ?? '')));
  return {
    async record(run, { vector }) {
      const recording = await recorder.record(run);
      const text = toSql(Array.from(vector)) as string;
      const statements = recording.flat(2).map(({ name, values, text: sql }) => ({
        query: { text: sql, ...(name === undefined ? {} : { name }) },
        values,
        // Writing the vector as text is the bare side's work too.
        place: values.indexOf(text),
      }));
      return {
        requests: statements.length,
        async send() {
          for (const { query, values, place } of statements) {
            const given = [...values];
            if (place >= 0) given[place] = toSql(Array.from(vector));
            await client.query({ ...query, values: given });
          }
        },
      };
    },
    async close() {
      recorder.stop();
      await client.end();
    },
  };
}
