/** Which addresses only this machine can reach. */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { Config } from '../config.js';
import { RetrievalError } from '../errors.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopbackAddress(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * The address to bind. Without API keys everyone who can connect may do everything, so that only
 * this machine may connect.
 * @throws RetrievalError `invalid_config` for any other address while there are no API keys.
 */
export async function bindAddress(config: Pick<Config['server'], 'host' | 'apiKeyHashes'>): Promise<string> {
  const { host } = config;
  if (config.apiKeyHashes.length > 0) return host;
  if (isIP(host) !== 0) {
    if (isLoopbackAddress(host)) return host;
    throw refused(host);
  }
  const addresses = host === '' ? [] : await lookup(host, { all: true, order: 'ipv4first' }).catch(() => []);
  const [first] = addresses;
  if (first === undefined || !addresses.every(({ address }) => isLoopbackAddress(address)))
    throw refused(host);
  // The address, not the name: what was checked is what is bound.
  return first.address;
}

function refused(host: string): RetrievalError {
  return new RetrievalError(
    'invalid_config',
    `Without API keys the server binds loopback addresses only, and "${host}" is not one. ` +
      'Set PLUMBLINE_API_KEY_HASHES (plumbline keys create), or PLUMBLINE_HOST to 127.0.0.1',
    { field: 'PLUMBLINE_HOST' },
  );
}

/**
 * Whether a Host header names this machine from inside. A page in a browser can make its own name
 * resolve to 127.0.0.1 (DNS rebinding) and would then be of the server's origin; its Host header
 * still gives it away.
 */
export function isLoopbackHostHeader(header: string | undefined): boolean {
  if (header === undefined) return false;
  const host = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/u.exec(header)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  return host === 'localhost' || isLoopbackAddress(host.replace(/^\[(.*)\]$/u, '$1'));
}
