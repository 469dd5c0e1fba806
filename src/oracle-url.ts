/** The URL of an Oracle store. Pure; no message repeats the URL, which holds a password. */
import { z } from 'zod';
import { RetrievalError } from './errors.js';

export interface OracleLocation {
  readonly kind: 'oracle';
  readonly options: {
    readonly user: string;
    readonly password: string;
    /** `host:port/service`, a descriptor, or a name of `tnsnames.ora`. */
    readonly connectString: string;
    readonly poolMin: number;
    readonly poolMax: number;
    readonly callTimeoutMs: number;
    readonly walletLocation?: string;
    readonly walletPassword?: string;
    readonly configDir?: string;
    readonly prefix?: string;
  };
}

const DAY_MS = 86_400_000;

const parametersSchema = z.strictObject({
  protocol: z.enum(['tcp', 'tcps']).default('tcp'),
  connectString: z.string().min(1).exactOptional(),
  poolMin: z.coerce.number().int().min(0).max(1000).default(0),
  poolMax: z.coerce.number().int().min(1).max(1000).default(10),
  callTimeout: z.coerce.number().int().min(1).max(DAY_MS).default(30_000),
  walletLocation: z.string().min(1).exactOptional(),
  walletPassword: z.string().min(1).exactOptional(),
  configDir: z.string().min(1).exactOptional(),
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,29}$/u)
    .exactOptional(),
});

/**
 * `oracle://USER:PASSWORD@HOST:PORT/SERVICE`, or `oracle://USER:PASSWORD@NAME` for a name of
 * `tnsnames.ora`; parameters follow after `?`.
 * @throws RetrievalError `invalid_config`, naming the part at fault
 */
export function parseOracleUrl(url: URL): OracleLocation {
  const parsed = parametersSchema.safeParse(Object.fromEntries(url.searchParams));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const names = issue?.code === 'unrecognized_keys' ? issue.keys : (issue?.path ?? []);
    throw invalid(`its parameter ${names.join(', ')} is not valid`);
  }
  const { protocol, connectString, callTimeout, ...others } = parsed.data;
  const user = decoded(url.username, 'user');
  const password = decoded(url.password, 'password');
  if (user === '' || password === '') throw invalid('it names no user and password');
  if (others.poolMin > others.poolMax) throw invalid('its poolMin is more than its poolMax');
  return {
    kind: 'oracle',
    options: {
      ...others,
      user,
      password,
      callTimeoutMs: callTimeout,
      connectString: connectString ?? connectStringOf(url, protocol),
    },
  };
}

function connectStringOf(url: URL, protocol: 'tcp' | 'tcps'): string {
  const service = decoded(url.pathname.replace(/^\//u, ''), 'service');
  if (url.hostname === '') throw invalid('it names no host');
  // A name alone is looked up in tnsnames.ora.
  if (service === '') {
    if (url.port === '') return url.hostname;
    throw invalid('it names no service');
  }
  const address = `${url.hostname}:${url.port === '' ? '1521' : url.port}/${service}`;
  return protocol === 'tcps' ? `tcps://${address}` : address;
}

function decoded(part: string, name: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(`its ${name} is not percent-encoded`);
  }
}

function invalid(problem: string): RetrievalError {
  return new RetrievalError(
    'invalid_config',
    `PLUMBLINE_STORE_URL is no Oracle URL (oracle://USER:PASSWORD@HOST:PORT/SERVICE): ${problem}`,
    { field: 'PLUMBLINE_STORE_URL' },
  );
}
