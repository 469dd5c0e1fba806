/**
 * The only reader of the environment. Validated once and frozen; a secret's value never leaves
 * this file but through the field that holds it, and `redacted` shows none.
 */
import { homedir } from 'node:os';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { RetrievalError } from './errors.js';
import { nameValueList } from './name-value-list.js';
import { parseOpenSearchUrl } from './opensearch-url.js';
import type { OpenSearchLocation } from './opensearch-url.js';
import { parseOracleUrl } from './oracle-url.js';
import type { OracleLocation } from './oracle-url.js';
import { readTracing } from './otel-settings.js';
import type { TracingSettings } from './otel-settings.js';

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
  PLUMBLINE_PG_RECONNECT_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(DAY_MS)
    .default(30_000)
    .describe('How long a write waits for a PostgreSQL that fails over to come back, in milliseconds'),
  PLUMBLINE_STORE_READER_URL: z
    .string()
    .min(1)
    .optional()
    .describe('Replicas of the PostgreSQL in the URL of the store; they then answer queries'),
  PLUMBLINE_POSTGRES_CA_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File with the certificates (PEM) to trust of a PostgreSQL server, where its URL names none'),
  PLUMBLINE_POSTGRES_AUTH: z
    .enum(['password', 'iam'])
    .default('password')
    .describe("How to log in to PostgreSQL: by the URL's password, or by AWS IAM tokens"),
  PLUMBLINE_POSTGRES_REGION: z
    .string()
    .min(1)
    .optional()
    .describe('AWS region of the database, for IAM; where not set, that of AWS_REGION'),
  PLUMBLINE_OPENSEARCH_CA_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File with the certificates (PEM) to trust of an opensearchs:// server, in place of the usual'),
  PLUMBLINE_BEDROCK_REGION: z
    .string()
    .min(1)
    .optional()
    .describe('AWS region of Amazon Bedrock; where not set, what the AWS SDK finds'),
  PLUMBLINE_BEDROCK_PROFILE: z
    .string()
    .min(1)
    .optional()
    .describe('Profile of the AWS configuration files whose credentials Bedrock is called with'),
  PLUMBLINE_BEDROCK_ROLE_ARN: z
    .string()
    .regex(/^arn:/u, 'has to be the ARN of a role')
    .optional()
    .describe('Role to assume (by AWS STS) for calls to Bedrock'),
  PLUMBLINE_BEDROCK_ENDPOINT: z
    .url()
    .optional()
    .describe("URL of Bedrock in place of the region's own: a VPC endpoint, a proxy"),
  PLUMBLINE_BEDROCK_MODEL_IDS: nameValueList(z.string().min(1))
    .optional()
    .describe('What to invoke for an embedder in place of its model id: NAME=ID_OR_ARN, separated by commas'),
  PLUMBLINE_BEDROCK_PRICES: nameValueList(z.coerce.number().nonnegative())
    .optional()
    .describe(
      'Price of 1,000 tokens by embedder: NAME=PRICE, separated by commas; without it no cost is shown',
    ),
  PLUMBLINE_BEDROCK_REQUESTS_PER_MINUTE: positiveInteger
    .optional()
    .describe('Most requests a minute that a Bedrock embedder makes, retries counted'),
  PLUMBLINE_BEDROCK_TOKENS_PER_MINUTE: positiveInteger
    .optional()
    .describe('Most tokens a minute that a Bedrock embedder sends'),
  PLUMBLINE_BEDROCK_CONCURRENCY: positiveInteger
    .max(1000)
    .default(32)
    .describe('Most requests of a Bedrock embedder at once; fewer while it is throttled'),
  PLUMBLINE_BEDROCK_TIMEOUT_MS: positiveInteger
    .max(DAY_MS)
    .default(30_000)
    .describe('Longest a single call of a Bedrock embedder may take, in milliseconds'),
  PLUMBLINE_BEDROCK_MAX_ATTEMPTS: positiveInteger
    .max(100)
    .default(8)
    .describe('How often a request of a Bedrock embedder is made at most, the first time included'),
  PLUMBLINE_EMBED_CACHE: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'Whether vectors of remote embedders are kept in the cache folder, so that none is paid for twice',
    ),
  PLUMBLINE_CANARY_INTERVAL_MS: positiveInteger
    .max(24 * DAY_MS)
    .default(DAY_MS)
    .describe("How often a remote model is checked against its collections' canary vectors, in milliseconds"),
  PLUMBLINE_ANSWER_MODEL: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Model that writes answers, where the request names none: any id or ARN that Bedrock Converse takes',
    ),
  PLUMBLINE_ANSWER_MAX_TOKENS: positiveInteger
    .max(65_536)
    .default(1024)
    .describe('Longest answer, in tokens'),
  PLUMBLINE_ANSWER_PROMPT_TOKENS: positiveInteger
    .max(1_000_000)
    .default(8000)
    .describe('Room for the prompt of an answer, in tokens; passages that do not fit are left out'),
  PLUMBLINE_ANSWER_MIN_SCORE: z.coerce
    .number()
    .optional()
    .describe('Passages that score less are not answered from, where the request does not say'),
  PLUMBLINE_ANSWER_PROMPT_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("Template of the prompt of answers, in place of Plumbline's own"),
  PLUMBLINE_KNOWLEDGE_BASES_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('JSON file with the Bedrock knowledge bases that are served as collections'),
  PLUMBLINE_AWS_REGION: z
    .string()
    .min(1)
    .optional()
    .describe('AWS region of S3 buckets and of queues; where not set, what the AWS SDK finds'),
  PLUMBLINE_AWS_ROLE_ARN: z
    .string()
    .regex(/^arn:/u, 'has to be the ARN of a role')
    .optional()
    .describe('Role to assume (by AWS STS) for calls to S3 and SQS'),
  PLUMBLINE_S3_ENDPOINT: z
    .url()
    .optional()
    .describe("URL of a server that speaks S3's protocol, in place of AWS"),
  PLUMBLINE_RECALL_SAMPLE: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('Share of queries whose approximate answer is compared with the exact one afterwards'),
  PLUMBLINE_CANARY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File of questions with known answers (JSON lines) that the server asks itself'),
  PLUMBLINE_CANARY_FILE_INTERVAL_MS: positiveInteger
    .max(24 * DAY_MS)
    .default(300_000)
    .describe('How often the questions of PLUMBLINE_CANARY_FILE are asked, in milliseconds'),
  PLUMBLINE_METRICS_FORMAT: z
    .enum(['prometheus', 'emf'])
    .default('prometheus')
    .describe(
      "`emf` also writes the main figures to the log every minute, in CloudWatch's embedded metric format",
    ),
  PLUMBLINE_QUERY_LOG: z
    .string()
    .min(1)
    .optional()
    .describe('File that questions and the ids of what they found are appended to, as JSON lines'),
  PLUMBLINE_LAMBDA_COLLECTION: z
    .string()
    .min(1)
    .optional()
    .describe('Collection that the AWS Lambda function ingests into'),
});

/** Where a store is, parsed from its URL. */
export type StoreLocation =
  | { readonly kind: 'memory' }
  | { readonly kind: 'pglite'; readonly folder: string }
  | { readonly kind: 'postgresql'; readonly url: string }
  | OpenSearchLocation
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
    readonly remote: {
      /** Whether vectors that were paid for are kept. */
      readonly cache: boolean;
      readonly canaryIntervalMs: number;
      readonly bedrock: BedrockAccess & {
        readonly modelIds: Readonly<Record<string, string>>;
        readonly prices: Readonly<Record<string, number>>;
        readonly requestsPerMinute: number | null;
        readonly tokensPerMinute: number | null;
        readonly concurrency: number;
        readonly timeoutMs: number;
        readonly maxAttempts: number;
      };
    };
  };
  readonly postgres: {
    readonly poolSize: number;
    readonly statementTimeoutMs: number;
    readonly reconnectMs: number;
    readonly readerUrl: string | null;
    readonly caFile: string | null;
    readonly authentication:
      { readonly kind: 'password' } | { readonly kind: 'iam'; readonly region: string };
  };
  readonly opensearch: {
    readonly caFile: string | null;
  };
  readonly s3: {
    /** Null where the AWS SDK finds it. */
    readonly region: string | null;
    /** Null for the credentials that the AWS SDK finds. */
    readonly roleArn: string | null;
    /** Of a server that is not AWS's own. */
    readonly endpoint: string | null;
  };
  readonly lambda: {
    readonly collection: string | null;
  };
  readonly bedrock: BedrockAccess;
  readonly answer: {
    readonly model: string | null;
    readonly maxTokens: number;
    readonly promptTokens: number;
    readonly minScore: number | null;
    readonly promptFile: string | null;
  };
  readonly knowledgeBasesFile: string | null;
  /** Null: questions are not logged. */
  readonly queryLogFile: string | null;
  readonly monitoring: {
    /** Share of queries whose recall is measured, 0 to 1. */
    readonly recallSample: number;
    readonly canary: { readonly file: string | null; readonly intervalMs: number };
    readonly format: 'prometheus' | 'emf';
    /** Null: no traces. Its headers may hold a secret. */
    readonly tracing: TracingSettings | null;
  };
}

/** Where Amazon Bedrock is and who asks; null leaves it to the AWS SDK. */
interface BedrockAccess {
  readonly region: string | null;
  readonly profile: string | null;
  readonly roleArn: string | null;
  readonly endpoint: string | null;
}

/**
 * Reads and checks the environment.
 * @param overrides variables to take in place of the environment's
 * @throws RetrievalError `invalid_config`, naming each variable at fault.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  overrides: Readonly<Record<string, string>> = {},
): Config {
  // An empty variable is how shells and compose files say "not set".
  const given = Object.fromEntries(
    Object.entries({ ...environment, ...overrides }).filter(
      ([key, value]) => key.startsWith('PLUMBLINE_') && value !== '',
    ),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new RetrievalError('invalid_config', `The environment is not valid. ${problems.join('; ')}`, {
      details: { variables: parsed.error.issues.map((issue) => issue.path.join('.')) },
    });
  }
  const env = parsed.data;
  const bedrock: BedrockAccess = {
    region: env.PLUMBLINE_BEDROCK_REGION ?? null,
    profile: env.PLUMBLINE_BEDROCK_PROFILE ?? null,
    roleArn: env.PLUMBLINE_BEDROCK_ROLE_ARN ?? null,
    endpoint: env.PLUMBLINE_BEDROCK_ENDPOINT ?? null,
  };
  return Object.freeze({
    store: parseStoreUrl(env.PLUMBLINE_STORE_URL, env.PLUMBLINE_AWS_REGION ?? environment['AWS_REGION']),
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
      remote: {
        cache: env.PLUMBLINE_EMBED_CACHE === 'on',
        canaryIntervalMs: env.PLUMBLINE_CANARY_INTERVAL_MS,
        bedrock: {
          ...bedrock,
          modelIds: env.PLUMBLINE_BEDROCK_MODEL_IDS ?? {},
          prices: env.PLUMBLINE_BEDROCK_PRICES ?? {},
          requestsPerMinute: env.PLUMBLINE_BEDROCK_REQUESTS_PER_MINUTE ?? null,
          tokensPerMinute: env.PLUMBLINE_BEDROCK_TOKENS_PER_MINUTE ?? null,
          concurrency: env.PLUMBLINE_BEDROCK_CONCURRENCY,
          timeoutMs: env.PLUMBLINE_BEDROCK_TIMEOUT_MS,
          maxAttempts: env.PLUMBLINE_BEDROCK_MAX_ATTEMPTS,
        },
      },
    },
    postgres: {
      poolSize: env.PLUMBLINE_PG_POOL_SIZE,
      statementTimeoutMs: env.PLUMBLINE_PG_STATEMENT_TIMEOUT_MS,
      reconnectMs: env.PLUMBLINE_PG_RECONNECT_MS,
      readerUrl: readerUrl(env),
      caFile: env.PLUMBLINE_POSTGRES_CA_FILE ?? null,
      authentication: postgresAuthentication(env, environment['AWS_REGION']),
    },
    opensearch: { caFile: env.PLUMBLINE_OPENSEARCH_CA_FILE ?? null },
    s3: {
      region: env.PLUMBLINE_AWS_REGION ?? null,
      roleArn: env.PLUMBLINE_AWS_ROLE_ARN ?? null,
      endpoint: env.PLUMBLINE_S3_ENDPOINT ?? null,
    },
    lambda: { collection: env.PLUMBLINE_LAMBDA_COLLECTION ?? null },
    bedrock,
    answer: {
      model: env.PLUMBLINE_ANSWER_MODEL ?? null,
      maxTokens: env.PLUMBLINE_ANSWER_MAX_TOKENS,
      promptTokens: env.PLUMBLINE_ANSWER_PROMPT_TOKENS,
      minScore: env.PLUMBLINE_ANSWER_MIN_SCORE ?? null,
      promptFile: env.PLUMBLINE_ANSWER_PROMPT_FILE ?? null,
    },
    knowledgeBasesFile: env.PLUMBLINE_KNOWLEDGE_BASES_FILE ?? null,
    queryLogFile: env.PLUMBLINE_QUERY_LOG ?? null,
    monitoring: {
      recallSample: env.PLUMBLINE_RECALL_SAMPLE,
      canary: {
        file: env.PLUMBLINE_CANARY_FILE ?? null,
        intervalMs: env.PLUMBLINE_CANARY_FILE_INTERVAL_MS,
      },
      format: env.PLUMBLINE_METRICS_FORMAT,
      tracing: readTracing({ ...environment, ...overrides }),
    },
  });
}

/**
 * Parses a store URL.
 * @param awsRegion where the URL of a store on AWS does not say it
 * @throws RetrievalError `invalid_config`; the message never repeats the URL, which may hold a password.
 */
export function parseStoreUrl(url: string, awsRegion?: string): StoreLocation {
  if (url === 'memory:' || url === 'memory') return { kind: 'memory' };
  if (url.startsWith('pglite:')) {
    const folder = url.slice('pglite:'.length);
    if (folder !== '') return { kind: 'pglite', folder };
  }
  if (isPostgresUrl(url)) return { kind: 'postgresql', url };
  if (url.startsWith('oracle://') && URL.canParse(url)) return parseOracleUrl(new URL(url));
  if (/^opensearchs?:\/\//u.test(url) && URL.canParse(url)) {
    return parseOpenSearchUrl(new URL(url), awsRegion);
  }
  throw new RetrievalError(
    'invalid_config',
    'PLUMBLINE_STORE_URL is none of: pglite:FOLDER, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, opensearch://USER:PASSWORD@HOST:PORT, oracle://USER:PASSWORD@HOST:PORT/SERVICE, memory:',
    { field: 'PLUMBLINE_STORE_URL' },
  );
}

type Environment = z.infer<typeof environmentSchema>;

function readerUrl(env: Environment): string | null {
  const url = env.PLUMBLINE_STORE_READER_URL;
  if (url === undefined) return null;
  if (isPostgresUrl(env.PLUMBLINE_STORE_URL) && isPostgresUrl(url)) return url;
  throw new RetrievalError(
    'invalid_config',
    'PLUMBLINE_STORE_READER_URL is for replicas of a PostgreSQL: it and PLUMBLINE_STORE_URL have to begin with postgresql://',
    { field: 'PLUMBLINE_STORE_READER_URL' },
  );
}

function postgresAuthentication(
  env: Environment,
  awsRegion: string | undefined,
): Config['postgres']['authentication'] {
  if (env.PLUMBLINE_POSTGRES_AUTH === 'password') return { kind: 'password' };
  const region = env.PLUMBLINE_POSTGRES_REGION ?? awsRegion;
  if (region !== undefined && region !== '') return { kind: 'iam', region };
  throw new RetrievalError(
    'invalid_config',
    'PLUMBLINE_POSTGRES_AUTH=iam needs the region of the database in PLUMBLINE_POSTGRES_REGION or AWS_REGION',
    { field: 'PLUMBLINE_POSTGRES_REGION' },
  );
}

function isPostgresUrl(url: string): boolean {
  return /^postgres(ql)?:\/\//u.test(url) && URL.canParse(url);
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
