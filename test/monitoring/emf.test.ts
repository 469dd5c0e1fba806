import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { readDoc, section } from '../docs/markdown.js';
import { openWatched, until } from './support.js';

const name = z.string().min(1).max(1024);

/** The required members of the specification, and its limits. */
const documentSchema = z
  .looseObject({
    _aws: z.strictObject({
      Timestamp: z.number().int().positive(),
      CloudWatchMetrics: z
        .array(
          z.strictObject({
            Namespace: name,
            Dimensions: z.array(z.array(name.max(250)).max(30)).min(1),
            Metrics: z
              .array(
                z.strictObject({
                  Name: name,
                  Unit: z.enum(['Count', 'Milliseconds', 'None']).optional(),
                }),
              )
              .max(100),
          }),
        )
        .min(1),
    }),
  })
  .superRefine((document, context) => {
    for (const { Dimensions, Metrics } of document._aws.CloudWatchMetrics) {
      for (const target of Dimensions.flat()) {
        if (typeof document[target] !== 'string') context.addIssue(`The dimension ${target} is no text`);
      }
      for (const { Name } of Metrics) {
        if (typeof document[Name] !== 'number') context.addIssue(`The metric ${Name} is no number`);
      }
    }
  });

test('one line a minute in the embedded metric format', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const service = await openWatched(t, { PLUMBLINE_METRICS_FORMAT: 'emf' });
  const { fastify } = service.app;
  const documents = (): readonly z.infer<typeof documentSchema>[] =>
    service.lines
      .filter((line) => line.includes('"_aws"'))
      .map((line) => {
        assert.ok(line.endsWith('\n') && !line.slice(0, -1).includes('\n'));
        return documentSchema.parse(JSON.parse(line));
      });
  const minute = async (): Promise<z.infer<typeof documentSchema>> => {
    const before = documents().length;
    t.mock.timers.tick(60_000);
    await until(() => documents().length > before);
    const latest = documents().at(-1);
    assert.ok(latest !== undefined);
    return latest;
  };
  await service.runtime.catalog.createCollection({ name: 'c', embedder: 'fake' });
  const query = {
    method: 'POST',
    url: '/v1/collections/c/query',
    payload: { query: 'confidential' },
  } as const;
  assert.equal((await fastify.inject(query)).statusCode, 200);
  await fastify.inject({ url: '/v1/collections' });

  const first = await minute();
  assert.deepEqual([first['Queries'], first['EmptyResults'], first['Requests']], [1, 1, 2]);
  assert.equal(typeof first['QueryTime'], 'number');
  assert.equal(first['Service'], 'plumbline');
  const page = section(readDoc('docs/monitoring.md'), '## CloudWatch');
  for (const { Name } of first._aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics)) {
    assert.ok(page.includes(`\`${Name}\``), Name);
  }
  // What is not known is left out: a zero would be an alarm.
  assert.equal(first['AnnRecallLowest'], undefined);

  const second = await minute();
  assert.deepEqual([second['Queries'], second['EmptyResults'], second['Requests']], [0, 0, 0]);
  assert.equal(second['QueryTime'], undefined);
  assert.doesNotMatch(service.lines.join(''), /confidential/u);
});

test('nothing of the kind without the setting', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const service = await openWatched(t);
  t.mock.timers.tick(600_000);
  await service.samples();
  assert.ok(service.lines.every((line) => !line.includes('"_aws"')));
});
