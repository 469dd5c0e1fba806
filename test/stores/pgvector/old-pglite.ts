/** A driver over an older PGlite, which brings pgvector 0.7 with it: no iterative scans, no safe parallel builds. */
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import { PGlite } from 'pglite-with-pgvector-0.7';
import { vector } from 'pglite-with-pgvector-0.7/vector';
import pg from 'pg';
import type { Driver } from '../../../src/stores/pgvector/database.js';
import { sessionSettings } from '../../../src/stores/pgvector/session-settings.js';
import { vectorFeatures } from '../../../src/stores/pgvector/versions.js';

export async function openOldPglite(): Promise<Driver> {
  const embedded = await PGlite.create({ dataDir: 'memory://', extensions: { vector } });
  await embedded.exec('create extension vector');
  const { rows } = await embedded.query<{ readonly extversion: string }>(
    "select extversion from pg_extension where extname = 'vector'",
  );
  const features = vectorFeatures(rows[0]?.extversion ?? '');
  await embedded.exec(sessionSettings(60_000, features));
  const config = createPgConfig(speakToday(embedded) as Parameters<typeof createPgConfig>[0]);
  const pool = new pg.Pool(Object.assign(config, { max: 1, idleTimeoutMillis: 0 }));
  return {
    kind: 'pglite',
    features,
    pool,
    async copyIn(_client, target, data) {
      await embedded.query(`copy ${target} from '/dev/blob' (format binary)`, [], {
        blob: new Blob([new Uint8Array(data.buffer, data.byteOffset, data.length)]),
      });
    },
    cancel: () => undefined,
    async close() {
      await pool.end();
      await embedded.close();
    },
  };
}

const [SIMPLE_QUERY, SYNC] = ['Q', 'S'].map((letter) => letter.charCodeAt(0));

/**
 * The protocol as today's driver wants it. This PGlite throws what the server refuses, goes on
 * with the rest of a pipeline, and says that it is ready after every message.
 */
function speakToday(embedded: PGlite): unknown {
  let skipping = false;
  return {
    waitReady: embedded.waitReady,
    async execProtocolStream(message: Uint8Array): Promise<readonly unknown[]> {
      const [kind] = message;
      const ends = kind === SIMPLE_QUERY || kind === SYNC;
      if (skipping && !ends) return [];
      const answers: unknown[] = [];
      try {
        const all = await embedded.execProtocol(message);
        answers.push(...all.map(([answer]) => answer).filter(({ name }) => name !== 'readyForQuery'));
      } catch (error) {
        skipping = true;
        answers.push(error);
      }
      if (!ends) return answers;
      skipping = false;
      return [...answers, { name: 'readyForQuery', status: 'I' }];
    },
  };
}
