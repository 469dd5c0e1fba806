/** A loopback way to a server that is cut at a chosen byte, in either direction, and stays so until it is repaired. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export type Direction = 'up' | 'down';

export interface CuttingProxy {
  readonly port: number;
  /** Bytes that came that way so far. */
  bytes(direction: Direction): number;
  /** After so many bytes more nothing comes through, and nobody can connect. */
  cutAfter(direction: Direction, bytes: number): void;
  /** Works again; answers whether it was cut. */
  repair(): boolean;
  close(): Promise<void>;
}

export async function openCuttingProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<CuttingProxy> {
  const counts = { up: 0, down: 0 };
  const limits = { up: Infinity, down: Infinity };
  let isCut = false;
  const sockets = new Set<Socket>();
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const pass = (from: Socket, to: Socket, direction: Direction): void => {
    from.on('data', (data: Buffer) => {
      if (isCut) return;
      const room = limits[direction] - counts[direction];
      counts[direction] += data.length;
      if (data.length < room) {
        to.write(data);
        return;
      }
      // What is on its way comes through; then both ends see the connection break.
      isCut = true;
      to.write(data.subarray(0, room), cut);
    });
    from.on('end', () => to.end());
  };
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(target.port, target.host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    pass(near, far, 'up');
    pass(far, near, 'down');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    bytes: (direction) => counts[direction],
    cutAfter(direction, bytes) {
      limits[direction] = counts[direction] + bytes;
    },
    repair() {
      const wasCut = isCut;
      isCut = false;
      limits.up = Infinity;
      limits.down = Infinity;
      return wasCut;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
