/** A PostgreSQL server's URL as the driver's settings. Pure. */
import type pg from 'pg';
import { z } from 'zod';
import { RetrievalError } from '../../errors.js';
import { chooseTls } from './tls.js';
import type { TlsChoice } from './tls.js';

/** Where a server is and who asks; how its certificate is looked at. */
export interface ServerPlace {
  readonly client: Pick<
    pg.ClientConfig,
    'host' | 'port' | 'user' | 'password' | 'database' | 'application_name' | 'options' | 'sslnegotiation'
  >;
  readonly tls: TlsChoice;
}

export interface UrlContext {
  /** The setting that holds the URL, for errors. */
  readonly setting: 'PLUMBLINE_STORE_URL' | 'PLUMBLINE_STORE_READER_URL';
  /** File with the certificates to trust, where the URL names none. */
  readonly caFile: string | null;
  /** Whether the password is one that nobody else may read on its way: TLS is not left out then. */
  readonly needsTls: boolean;
}

/** Strict, since a mistyped `sslmode` would otherwise mean no TLS. */
const optionsSchema = z.strictObject({
  sslmode: z.string().optional(),
  sslrootcert: z.string().min(1).optional(),
  sslcert: z.string().min(1).optional(),
  sslkey: z.string().min(1).optional(),
  sslnegotiation: z.enum(['postgres', 'direct']).optional(),
  /** A folder is that of a server's socket. */
  host: z.string().min(1).optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  application_name: z.string().default('plumbline'),
  options: z.string().optional(),
});

/**
 * What is not said is left to the driver's defaults (`PGHOST`, `PGUSER`, …).
 * @throws RetrievalError `invalid_config`; the message never repeats the URL, which may hold a password
 */
export function parseServerUrl(url: string, context: UrlContext): ServerPlace {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const options = optionsSchema.safeParse(Object.fromEntries(parsed?.searchParams ?? []));
  if (parsed === null || !options.success) {
    const problems = options.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
    throw new RetrievalError(
      'invalid_config',
      `${context.setting} is postgresql://USER:PASSWORD@HOST:PORT/DATABASE; after a ? may stand ${Object.keys(optionsSchema.shape).join(', ')}. ${problems.join('; ')}`.trim(),
      { field: context.setting },
    );
  }
  const { sslmode, sslrootcert, sslcert, sslkey, host, port, ...rest } = options.data;
  return {
    client: defined({
      host: host ?? decode(parsed.hostname.replace(/^\[(.+)\]$/u, '$1'), context),
      port: port ?? Number(parsed.port),
      user: decode(parsed.username, context),
      password: decode(parsed.password, context),
      database: decode(parsed.pathname.slice(1), context),
      ...rest,
    }),
    tls: chooseTls({ sslmode, sslrootcert, sslcert, sslkey }, context),
  };
}

/** Without what is empty, which the driver would take for a value. */
function defined<T extends Readonly<Record<string, unknown>>>(
  values: T,
): { readonly [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== '' && value !== 0),
  ) as { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };
}

function decode(part: string, { setting }: UrlContext): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RetrievalError(
      'invalid_config',
      `${setting} holds a "%" that begins no percent-encoded sign; write it as %25`,
      { field: setting },
    );
  }
}
