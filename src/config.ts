/**
 * The only reader of the environment. Validated once and frozen; a secret's value never leaves
 * this file but through the field that holds it, and `redacted` shows none.
 */
import { homedir } from 'node:os';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { RetrievalError } from './errors.js';
import { parseOracleUrl } from './oracle-url.js';
import type { OracleLocation } from './oracle-url.js';

const DAY_MS = 86_400_000;

const positiveInteger = z.coerce.number().int().positive();

/** Environment variable → meaning. `docs/configuration.md` is written from these descriptions. */
export const environmentSchema = z.object({
  PLUMBLINE_STORE_URL: z
    .string()
    .min(1)
    .default('pglite:.plumbline/data')
    .describe(
      'Where collections live: pglite:FOLDER, postgresql://…, opensearch://…, oracle://…, or memory:',
    ),
  PLUMBLINE_HOST: z.string().min(1).default('127.0.0.1').describe('Address the server binds'),
  PLUMBLINE_PORT: z.coerce.number().int().min(0).max(65_535).default(8080).describe('Port the server binds'),
  PLUMBLINE_API_KEY_HASHES: z
    .string()
    .default('')
    .describe('SHA-256 hashes of accepted API keys, hex, separated by commas (`plumbline keys create`)'),
  PLUMBLINE_MODEL_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('Folder with model files (model_quantized.onnx, tokenizer.json); looked at first'),
  PLUMBLINE_CACHE_DIR: z
    .string()
    .min(1)
    .default(join(homedir(), '.cache', 'plumbline'))
    .describe('Where fetched model files are kept'),
  PLUMBLINE_EMBED_THREADS: positiveInteger
    .max(256)
    .default(availableParallelism())
    .describe('Worker threads of the local model'),
  PLUMBLINE_MODEL_HUB_URL: z
    .url()
    .default('https://huggingface.co')
    .describe('Model hub that local model files are fetched from'),
  PLUMBLINE_BODY_LIMIT_BYTES: positiveInteger
    .default(16 * 1024 * 1024)
    .describe('Largest request body, in bytes'),
  PLUMBLINE_MAX_INFLIGHT: positiveInteger
    .default(64)
    .describe('Requests worked on at once; more are answered 503 with Retry-After'),
  PLUMBLINE_REQUEST_TIMEOUT_MS: positiveInteger
    .max(DAY_MS)
    .default(60_000)
    .describe('Longest a request may take, in milliseconds'),
  PLUMBLINE_DRAIN_TIMEOUT_MS: positiveInteger
    .max(DAY_MS)
    .default(30_000)
    .describe('How long running requests may go on after SIGTERM, in milliseconds'),
  PLUMBLINE_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severity that is logged'),
  PLUMBLINE_PG_POOL_SIZE: positiveInteger.max(1000).default(10).describe('Connections to PostgreSQL'),
  PLUMBLINE_PG_STATEMENT_TIMEOUT_MS: positiveInteger
    .max(DAY_MS)
    .default(30_000)
    .describe('Longest a PostgreSQL statement of a query may take, in milliseconds'),
});

/** Where a store is, parsed from its URL. */
export type StoreLocation =
  | { readonly kind: 'memory' }
  | { readonly kind: 'pglite'; readonly folder: string }
  | { readonly kind: 'postgresql'; readonly url: string }
  | {
      readonly kind: 'opensearch';
      /** `http://HOST:PORT` or `https://…`, without the password. */
      readonly node: string;
      readonly username: string | null;
      readonly password: string | null;
      /** What the names of all indexes begin with. */
      readonly prefix: string;
      readonly engine: 'faiss' | 'lucene';
    }
  | OracleLocation;

export interface Config {
  readonly store: StoreLocation;
  readonly server: {
    readonly host: string;
    readonly port: number;
    /** Lower-case hex SHA-256. */
    readonly apiKeyHashes: readonly string[];
    readonly bodyLimitBytes: number;
    readonly maxInflight: number;
    readonly requestTimeoutMs: number;
    readonly drainTimeoutMs: number;
    readonly logLevel: string;
  };
  readonly models: {
    readonly dir: string | null;
    readonly cacheDir: string;
    readonly hubUrl: string;
    readonly threads: number;
  };
  readonly postgres: {
    readonly poolSize: number;
    readonly statementTimeoutMs: number;
  };
}

/**
 * Reads and checks the environment.
 * @throws RetrievalError `invalid_config`, naming each variable at fault.
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  // An empty variable is how shells and compose files say "not set".
  const given = Object.fromEntries(
    Object.entries(environment).filter(([key, value]) => key.startsWith('PLUMBLINE_') && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new RetrievalError('invalid_config', `The environment is not valid. ${problems.join('; ')}`, {
      details: { variables: parsed.error.issues.map((issue) => issue.path.join('.')) },
    });
  }
  const env = parsed.data;
  return Object.freeze({
    store: parseStoreUrl(env.PLUMBLINE_STORE_URL),
    server: {
      host: env.PLUMBLINE_HOST,
      port: env.PLUMBLINE_PORT,
      apiKeyHashes: parseHashes(env.PLUMBLINE_API_KEY_HASHES),
      bodyLimitBytes: env.PLUMBLINE_BODY_LIMIT_BYTES,
      maxInflight: env.PLUMBLINE_MAX_INFLIGHT,
      requestTimeoutMs: env.PLUMBLINE_REQUEST_TIMEOUT_MS,
      drainTimeoutMs: env.PLUMBLINE_DRAIN_TIMEOUT_MS,
      logLevel: env.PLUMBLINE_LOG_LEVEL,
    },
    models: {
      dir: env.PLUMBLINE_MODEL_DIR ?? null,
      cacheDir: env.PLUMBLINE_CACHE_DIR,
      hubUrl: env.PLUMBLINE_MODEL_HUB_URL,
      threads: env.PLUMBLINE_EMBED_THREADS,
    },
    postgres: {
      poolSize: env.PLUMBLINE_PG_POOL_SIZE,
      statementTimeoutMs: env.PLUMBLINE_PG_STATEMENT_TIMEOUT_MS,
    },
  });
}

/**
 * Parses a store URL.
 * @throws RetrievalError `invalid_config`; the message never repeats the URL, which may hold a password.
 */
export function parseStoreUrl(url: string): StoreLocation {
  if (url === 'memory:' || url === 'memory') return { kind: 'memory' };
  if (url.startsWith('pglite:')) {
    const folder = url.slice('pglite:'.length);
    if (folder !== '') return { kind: 'pglite', folder };
  }
  if (/^postgres(ql)?:\/\//u.test(url) && URL.canParse(url)) return { kind: 'postgresql', url };
  if (url.startsWith('oracle://') && URL.canParse(url)) return parseOracleUrl(new URL(url));
  if (/^opensearchs?:\/\//u.test(url) && URL.canParse(url)) return parseOpenSearch(new URL(url));
  throw new RetrievalError(
    'invalid_config',
    'PLUMBLINE_STORE_URL is none of: pglite:FOLDER, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, opensearch://USER:PASSWORD@HOST:PORT, oracle://USER:PASSWORD@HOST:PORT/SERVICE, memory:',
    { field: 'PLUMBLINE_STORE_URL' },
  );
}

const openSearchOptionsSchema = z.strictObject({
  /** Beginnings of index names: these are in lower case and do not begin with a sign. */
  prefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,99}$/u, 'has to be lower-case letters, digits, "-" and "_"')
    .default('plumbline'),
  engine: z.enum(['faiss', 'lucene']).default('faiss'),
});

function parseOpenSearch(url: URL): StoreLocation {
  const parsed = openSearchOptionsSchema.safeParse(Object.fromEntries(url.searchParams));
  if (!parsed.success || url.host === '' || !/^\/?$/u.test(url.pathname)) {
    const problems = parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
    throw new RetrievalError(
      'invalid_config',
      `PLUMBLINE_STORE_URL is opensearch://USER:PASSWORD@HOST:PORT, with ?prefix=NAME and engine=faiss or lucene where wanted. ${problems.join('; ')}`.trim(),
      { field: 'PLUMBLINE_STORE_URL' },
    );
  }
  return {
    kind: 'opensearch',
    node: `${url.protocol === 'opensearchs:' ? 'https' : 'http'}://${url.host}`,
    username: url.username === '' ? null : decodeURIComponent(url.username),
    password: url.password === '' ? null : decodeURIComponent(url.password),
    ...parsed.data,
  };
}

function parseHashes(value: string): readonly string[] {
  const hashes = value
    .split(',')
    .map((hash) => hash.trim().toLowerCase())
    .filter((hash) => hash !== '');
  for (const hash of hashes) {
    if (!/^[0-9a-f]{64}$/u.test(hash)) {
      throw new RetrievalError(
        'invalid_config',
        'PLUMBLINE_API_KEY_HASHES holds something that is not a SHA-256 in 64 hex digits; make one with "plumbline keys create"',
        { field: 'PLUMBLINE_API_KEY_HASHES' },
      );
    }
  }
  return hashes;
}
