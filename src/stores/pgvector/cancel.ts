/** Asks a PostgreSQL server to end what one of its connections is doing. */
import { connect } from 'node:net';
import type pg from 'pg';
import { z } from 'zod';

/** What the driver keeps of a connection but does not declare. */
const backendSchema = z.object({
  processID: z.number(),
  secretKey: z.number(),
  connection: z.object({
    stream: z.object({ remoteAddress: z.string().optional(), remotePort: z.number().optional() }),
  }),
});

const CANCEL_REQUEST = 80_877_102;
const WAIT_MS = 10_000;

/**
 * Sends a CancelRequest (PostgreSQL documentation, "Canceling Requests in Progress"): the number of
 * the backend with the key that only this connection was given. `pg_cancel_backend` takes the number
 * alone, which behind a pooler, or on another replica of a reader, may be somebody else's backend.
 * Goes to the very address that the connection goes to, for a name may lead to several servers.
 * Without TLS, as the server takes it from anybody who has the key. Best effort: the statement may
 * be over, and the caller is told `cancelled` either way.
 */
export function requestCancel(client: pg.PoolClient, { host, port }: pg.ClientConfig): void {
  const backend = backendSchema.safeParse(client);
  if (!backend.success) return;
  const { processID, secretKey, connection } = backend.data;
  const { remoteAddress, remotePort } = connection.stream;
  const packet = Buffer.alloc(16);
  packet.writeInt32BE(packet.length, 0);
  packet.writeInt32BE(CANCEL_REQUEST, 4);
  packet.writeInt32BE(processID, 8);
  packet.writeInt32BE(secretKey, 12);
  // A socket in the file system has no address.
  const socket =
    remoteAddress === undefined || remotePort === undefined
      ? connect(`${host ?? ''}/.s.PGSQL.${String(port ?? 5432)}`)
      : connect(remotePort, remoteAddress);
  socket.on('error', () => undefined);
  socket.setTimeout(WAIT_MS, () => socket.destroy());
  socket.unref();
  socket.end(packet);
}
