/** The URL of an OpenSearch store. Pure; no message repeats the URL, which may hold a password. */
import { z } from 'zod';
import { RetrievalError } from './errors.js';

export interface OpenSearchLocation {
  readonly kind: 'opensearch';
  /** `http://HOST:PORT` or `https://…`, without the password. */
  readonly node: string;
  readonly username: string | null;
  readonly password: string | null;
  /** Signs requests for AWS in place of a user's name and password. */
  readonly aws: { readonly service: 'es' | 'aoss'; readonly region: string } | null;
  /** What the names of all indexes begin with. */
  readonly prefix: string;
  readonly engine: 'faiss' | 'lucene';
}

const parametersSchema = z.strictObject({
  /** Beginnings of index names: these are in lower case and do not begin with a sign. */
  prefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,99}$/u, 'has to be lower-case letters, digits, "-" and "_"')
    .default('plumbline'),
  engine: z.enum(['faiss', 'lucene']).default('faiss'),
  auth: z.enum(['basic', 'sigv4']).default('basic'),
  service: z.enum(['es', 'aoss']).exactOptional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z0-9]+)+$/u, 'has to be the name of an AWS region, such as eu-west-1')
    .exactOptional(),
});

/** `ID.REGION.es.amazonaws.com` and its kin: where a name says region and service, neither has to be given. */
const AWS_HOST = /\.(?<region>[a-z]{2}(?:-[a-z0-9]+)+)\.(?<service>es|aoss)\.amazonaws\.com(?:\.cn)?$/u;

/**
 * `opensearch://USER:PASSWORD@HOST:PORT`, `opensearchs://…` over TLS; parameters follow after `?`.
 * @param defaultRegion the AWS region where neither a parameter nor the host names one
 * @throws RetrievalError `invalid_config`, naming the part at fault
 */
export function parseOpenSearchUrl(url: URL, defaultRegion: string | undefined): OpenSearchLocation {
  const parsed = parametersSchema.safeParse(Object.fromEntries(url.searchParams));
  if (!parsed.success || url.host === '' || !/^\/?$/u.test(url.pathname)) {
    const problems = parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
    throw invalid(
      `is opensearch://USER:PASSWORD@HOST:PORT, with ?prefix=NAME and engine=faiss or lucene where wanted. ${problems.join('; ')}`.trim(),
    );
  }
  const { auth, service, region, ...others } = parsed.data;
  const isTls = url.protocol === 'opensearchs:';
  return {
    kind: 'opensearch',
    node: `${isTls ? 'https' : 'http'}://${url.host}`,
    username: url.username === '' ? null : decodeURIComponent(url.username),
    password: url.password === '' ? null : decodeURIComponent(url.password),
    aws: auth === 'sigv4' ? signing() : unsigned(),
    ...others,
  };

  function signing(): OpenSearchLocation['aws'] {
    if (!isTls) throw invalid('has auth=sigv4, which is for opensearchs:// only: AWS answers over TLS');
    if (url.username !== '' || url.password !== '') {
      throw invalid(
        'has auth=sigv4 and a user; leave the user out, for the credentials are those that the AWS SDK finds',
      );
    }
    const named = AWS_HOST.exec(url.hostname)?.groups;
    const found = region ?? named?.['region'] ?? defaultRegion;
    if (found === undefined || found === '') {
      throw invalid('has auth=sigv4 and a host without a region; add region=NAME, or set AWS_REGION');
    }
    return { service: service ?? (named?.['service'] === 'aoss' ? 'aoss' : 'es'), region: found };
  }

  function unsigned(): null {
    if (service === undefined && region === undefined) return null;
    throw invalid('has service or region, which are for requests signed for AWS; add auth=sigv4');
  }
}

function invalid(problem: string): RetrievalError {
  return new RetrievalError('invalid_config', `PLUMBLINE_STORE_URL ${problem}`, {
    field: 'PLUMBLINE_STORE_URL',
  });
}
