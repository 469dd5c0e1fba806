/** Connections of a pool, less those whose server is known to be gone. */
import type pg from 'pg';

export interface Connections {
  /** One that was made since the last loss. */
  take(): Promise<pg.PoolClient>;
  /**
   * The server behind that connection is gone, or no longer the one that writes. Idle connections
   * from before are not tried one by one, each costing an attempt: they are closed when met.
   */
  lose(client: pg.PoolClient): void;
}

export function createConnections(pool: pg.Pool): Connections {
  let era = 0;
  const made = new WeakMap<pg.PoolClient, number>();
  pool.on('connect', (client) => {
    made.set(client, era);
  });
  return {
    async take() {
      for (;;) {
        const client = await pool.connect();
        if ((made.get(client) ?? era) === era) return client;
        client.release(true);
      }
    },
    lose(client) {
      // Of several that were lost together the first says it for all.
      if (made.get(client) === era) era += 1;
    },
  };
}
