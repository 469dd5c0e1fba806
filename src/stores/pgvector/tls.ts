/** TLS towards a PostgreSQL server: which certificates are accepted. Never one that was not asked about. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { RetrievalError } from '../../errors.js';
import type { UrlContext } from './server-url.js';

/**
 * - `unsaid`: nothing asks for TLS; the driver's own `PGSSLMODE` decides.
 * - `none`: no TLS.
 * - `unverified`: encrypted, towards whoever answers.
 * - `verify-ca`: the certificate is one of the CA's, for whatever host.
 * - `verify-full`: and it is that host's.
 */
export type TlsMode = 'unsaid' | 'none' | 'unverified' | 'verify-ca' | 'verify-full';

export interface TlsChoice {
  readonly mode: TlsMode;
  /** File of trusted certificates; null for those that Node.js knows. */
  readonly caFile: string | null;
  /** Certificate and key of this client. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** The setting that names the CA's file, for errors. */
  readonly caSetting: string;
}

export interface TlsParameters {
  readonly sslmode: string | undefined;
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
}

/**
 * What a URL's parameters mean: libpq's meanings, but that TLS which checks nothing is never the
 * outcome of what was left out. `require` without a CA would be that, and is refused.
 * @throws RetrievalError `invalid_config`
 */
export function chooseTls(parameters: TlsParameters, context: UrlContext): TlsChoice {
  const { sslmode, sslcert, sslkey } = parameters;
  const { setting, needsTls } = context;
  // As in libpq, `system` means the public CAs.
  const caFile =
    parameters.sslrootcert === 'system' ? null : (parameters.sslrootcert ?? context.caFile ?? null);
  const files = {
    caFile,
    certFile: sslcert ?? null,
    keyFile: sslkey ?? null,
    caSetting: parameters.sslrootcert === undefined ? 'PLUMBLINE_POSTGRES_CA_FILE' : setting,
  };
  const refuse = (message: string): never => {
    throw new RetrievalError('invalid_config', `${setting}: ${message}`, { field: setting });
  };
  switch (sslmode) {
    case undefined:
    case '': {
      const asks = parameters.sslrootcert !== undefined || caFile !== null || sslcert !== undefined;
      return { mode: asks || needsTls ? 'verify-full' : 'unsaid', ...files };
    }
    case 'disable':
      if (needsTls) return refuse('sslmode=disable would send the IAM token in the clear; use verify-full');
      if (caFile !== null) return refuse('sslmode=disable contradicts the CA that is named; use verify-full');
      return { mode: 'none', ...files };
    case 'require':
      // libpq's rule: with a CA it is verify-ca, without one it looks at nothing.
      if (caFile !== null) return { mode: 'verify-ca', ...files };
      return refuse(
        'sslmode=require without a CA would accept any certificate. Use verify-full, name the CA in sslrootcert or PLUMBLINE_POSTGRES_CA_FILE, or say no-verify where that is meant',
      );
    case 'no-verify':
      if (caFile !== null)
        return refuse('sslmode=no-verify contradicts the CA that is named; use verify-full');
      return { mode: 'unverified', ...files };
    case 'verify-ca':
      if (caFile !== null) return { mode: 'verify-ca', ...files };
      // Of a public CA anybody has a certificate, for a host of their own.
      return refuse(
        'sslmode=verify-ca needs the CA in sslrootcert or PLUMBLINE_POSTGRES_CA_FILE; use verify-full with public ones',
      );
    case 'verify-full':
      return { mode: 'verify-full', ...files };
    default:
      return refuse(
        'sslmode is disable, require, no-verify, verify-ca or verify-full; "prefer" and "allow" would go on without TLS',
      );
  }
}

/**
 * The driver's `ssl` for a choice; undefined leaves it to the driver.
 * @throws RetrievalError `invalid_config` for a file that cannot be read, or holds no certificate
 */
export async function readTls(choice: TlsChoice): Promise<boolean | ConnectionOptions | undefined> {
  const { mode, caFile, certFile, keyFile, caSetting } = choice;
  if (mode === 'unsaid') return undefined;
  if (mode === 'none') return false;
  const ca = caFile === null ? null : await readCertificates(caFile, caSetting);
  return {
    ...(ca === null ? {} : { ca }),
    ...(certFile === null ? {} : { cert: await readPem(certFile, 'sslcert') }),
    ...(keyFile === null ? {} : { key: await readPem(keyFile, 'sslkey') }),
    rejectUnauthorized: mode !== 'unverified',
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

async function readPem(file: string, setting: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new RetrievalError('invalid_config', `${setting} names a file that cannot be read: ${file}`, {
      field: setting,
      cause,
    });
  }
}

/** Node.js ignores what is no certificate, and would then trust nobody without saying why. */
async function readCertificates(file: string, setting: string): Promise<string> {
  const pem = await readPem(file, setting);
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new RetrievalError(
      'invalid_config',
      `${setting} names a file that holds no certificate in PEM form: ${file}`,
      { field: setting, cause },
    );
  }
  return pem;
}
