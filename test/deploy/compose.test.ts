/** What docker-compose.yml has to hold, for there is no engine here to ask. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseStoreUrl } from '../../src/config.js';
import { packageRoot } from '../../src/package-root.js';

/** The members that are used, by the names of the Compose specification; any other is a mistake. */
const serviceSchema = z.strictObject({
  build: z.string().optional(),
  image: z.string(),
  profiles: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).optional(),
  environment: z.record(z.string(), z.string()),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()),
  shm_size: z.string().optional(),
  ulimits: z.record(z.string(), z.strictObject({ soft: z.number(), hard: z.number() })).optional(),
  healthcheck: z
    .strictObject({
      test: z.tuple([z.literal('CMD-SHELL'), z.string()]),
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
    })
    .optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: z.string().optional(),
  restart: z.literal('unless-stopped'),
});

const text = readFileSync(join(packageRoot, 'docker-compose.yml'), 'utf8');
const { services, volumes } = z
  .object({ services: z.record(z.string(), serviceSchema), volumes: z.record(z.string(), z.null()) })
  .parse(parse(text, { merge: true }));

const own = Object.entries(services).filter(([name]) => name.startsWith('plumbline'));
const backends = Object.entries(services).filter(([name]) => !name.startsWith('plumbline'));

test('is what the Compose specification allows, and a mistake in it would not be', () => {
  const schema: unknown = JSON.parse(
    readFileSync(join(packageRoot, 'test', 'deploy', 'compose-spec', 'compose-spec.json'), 'utf8'),
  );
  // Formats of durations and ports are the specification's own: not checked, as docker compose does not.
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema as object);
  const file = parse(text, { merge: true }) as { services: Record<string, Record<string, unknown>> };
  assert.ok(validate(file), JSON.stringify(validate.errors));
  const service = Object.values(file.services)[0] ?? {};
  service['healthchek'] = {};
  assert.ok(!validate(file));
  delete service['healthchek'];
  service['depends_on'] = { postgres: { condition: 'healthy' } };
  assert.ok(!validate(file));
});

test('every image names a version', () => {
  for (const { image } of Object.values(services)) assert.match(image, /:\d/u);
});

test('every database says when it is healthy, keeps its data, and publishes no port', () => {
  assert.deepEqual(
    backends.map(([name]) => name),
    ['postgres', 'opensearch', 'oracle'],
  );
  for (const [name, service] of backends) {
    assert.ok(service.healthcheck !== undefined, name);
    assert.equal(service.ports, undefined, name);
    const [volume = ''] = service.volumes[0]?.split(':') ?? [];
    assert.ok(Object.hasOwn(volumes, volume), `${name} keeps its data in a named volume`);
  }
});

test('every service waits for its database, is of its profile, and has a URL that is understood', () => {
  const kinds = { postgres: 'postgresql', opensearch: 'opensearch', oracle: 'oracle' } as const;
  assert.equal(own.length, 3);
  const ports = new Set<string>();
  for (const [name, service] of own) {
    const [database = ''] = Object.keys(service.depends_on ?? {});
    assert.ok(Object.hasOwn(kinds, database), name);
    assert.deepEqual(service.profiles, services[database]?.profiles);
    const url = (service.environment['PLUMBLINE_STORE_URL'] ?? '').replaceAll(/\$\{[^}]*\}/gu, 'secret');
    assert.equal(parseStoreUrl(url).kind, kinds[database as keyof typeof kinds]);
    assert.equal(new URL(url).hostname, database);
    assert.ok(service.environment['PLUMBLINE_API_KEY_HASHES']?.includes(':?'), 'no key, no service');
    for (const port of service.ports ?? []) {
      assert.ok(port.startsWith('127.0.0.1:'), 'reached from this machine only');
      ports.add(port);
    }
  }
  assert.equal(ports.size, own.length, 'all can run at once');
});
