/** Where traces go, read from OpenTelemetry's standard variables. */
import { RetrievalError } from './errors.js';

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export interface TracingSettings {
  /** Of a collector's OTLP over HTTP, for traces. */
  readonly url: string;
  /** May hold a secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly serviceName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly sampler: { readonly kind: (typeof SAMPLERS)[number]; readonly ratio: number };
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_SERVICE = 'plumbline';

/**
 * Null where no collector is named, or traces are switched off.
 * @throws RetrievalError `invalid_config` naming the variable; values are not repeated
 */
export function readTracing(environment: Environment): TracingSettings | null {
  const given = (name: string): string | undefined => {
    const value = environment[name]?.trim();
    return value === '' ? undefined : value;
  };
  const own = given('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const shared = given('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (own === undefined && shared === undefined) return null;
  if (given('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || given('OTEL_TRACES_EXPORTER') === 'none') {
    return null;
  }
  const attributes = readPairs('OTEL_RESOURCE_ATTRIBUTES', given('OTEL_RESOURCE_ATTRIBUTES'));
  return {
    url:
      own === undefined
        ? `${readUrl('OTEL_EXPORTER_OTLP_ENDPOINT', shared).replace(/\/+$/u, '')}/v1/traces`
        : readUrl('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', own),
    headers: {
      ...readPairs('OTEL_EXPORTER_OTLP_HEADERS', given('OTEL_EXPORTER_OTLP_HEADERS')),
      ...readPairs('OTEL_EXPORTER_OTLP_TRACES_HEADERS', given('OTEL_EXPORTER_OTLP_TRACES_HEADERS')),
    },
    timeoutMs: readNumber('OTEL_EXPORTER_OTLP_TIMEOUT', given('OTEL_EXPORTER_OTLP_TIMEOUT'), {
      least: 1,
      most: Infinity,
      absent: DEFAULT_TIMEOUT_MS,
    }),
    serviceName: given('OTEL_SERVICE_NAME') ?? attributes['service.name'] ?? DEFAULT_SERVICE,
    attributes,
    sampler: {
      kind: readSampler(given('OTEL_TRACES_SAMPLER')),
      ratio: readNumber('OTEL_TRACES_SAMPLER_ARG', given('OTEL_TRACES_SAMPLER_ARG'), {
        least: 0,
        most: 1,
        absent: 1,
      }),
    },
  };
}

function readSampler(value: string | undefined): TracingSettings['sampler']['kind'] {
  const known = SAMPLERS.find((kind) => kind === (value ?? 'parentbased_always_on'));
  if (known !== undefined) return known;
  throw invalid('OTEL_TRACES_SAMPLER', `has to be one of ${SAMPLERS.join(', ')}`);
}

function readUrl(name: string, value = ''): string {
  if (/^https?:\/\//u.test(value) && URL.canParse(value)) return value;
  throw invalid(name, 'has to be an http:// or https:// URL of a collector');
}

function readNumber(
  name: string,
  value: string | undefined,
  { least, most, absent }: { readonly least: number; readonly most: number; readonly absent: number },
): number {
  const number = value === undefined ? absent : Number(value);
  if (number >= least && number <= most) return number;
  throw invalid(
    name,
    `has to be a number from ${String(least)}${most === Infinity ? '' : ` to ${String(most)}`}`,
  );
}

/** `key=value` pairs between commas, percent-encoded as W3C baggage is. */
function readPairs(name: string, value = ''): Readonly<Record<string, string>> {
  const pairs = value.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at <= 0) throw invalid(name, 'has to be key=value pairs between commas');
      try {
        return [
          decodeURIComponent(pair.slice(0, at).trim()),
          decodeURIComponent(pair.slice(at + 1).trim()),
        ] as const;
      } catch {
        throw invalid(name, 'holds a "%" that begins no percent-encoded sign');
      }
    }),
  );
}

function invalid(name: string, problem: string): RetrievalError {
  return new RetrievalError('invalid_config', `${name} ${problem}`, { field: name });
}
