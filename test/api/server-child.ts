/** A server of its own process, for the signals: its query takes until it is told to answer. */
import { startServer } from '../../src/api/server.js';
import { ANSWER, CONFIG, fakeRuntime } from './support.js';

const send = (message: string): void => {
  process.send?.(message);
};

const server = await startServer({
  version: '1',
  config: { ...CONFIG, logLevel: 'silent', drainTimeoutMs: Number(process.argv[2]) },
  runtime: fakeRuntime({
    retrieve: async () => {
      send('querying');
      await new Promise((resolve) => process.once('message', resolve));
      return ANSWER;
    },
    close: () => {
      send('runtime closed');
      return Promise.resolve();
    },
  }),
});
send(server.url);
await server.closed;
send('closed');
process.disconnect();
