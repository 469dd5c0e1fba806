/**
 * deploy/sam/template.yaml: what has to hold together, and with `PLUMBLINE_TEST_CFN_LINT=1` all that
 * cfn-lint knows of CloudFormation and SAM.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, type CollectionTag, type ScalarTag } from 'yaml';
import { z } from 'zod';
import { environmentSchema } from '../../src/config.js';
import { packageRoot } from '../../src/package-root.js';

const run = promisify(execFile);
const path = join(packageRoot, 'deploy', 'sam', 'template.yaml');

/** CloudFormation's short forms, as `{name: value}`. */
const tags: readonly (ScalarTag | CollectionTag)[] = ['!Ref', '!GetAtt', '!Sub'].map((tag) => ({
  tag,
  resolve: (text: string) => ({ [tag.slice(1)]: text }),
}));

const policySchema = z.object({
  Statement: z.array(z.object({ Effect: z.literal('Allow'), Action: z.string(), Resource: z.unknown() })),
});

/** The parts that are used; any other member of these is a mistake. */
const templateSchema = z.object({
  Transform: z.literal('AWS::Serverless-2016-10-31'),
  Resources: z.object({
    Events: z.object({
      Type: z.literal('AWS::SQS::Queue'),
      Properties: z.object({
        VisibilityTimeout: z.number(),
        MessageRetentionPeriod: z.literal(1_209_600),
        RedrivePolicy: z.strictObject({
          deadLetterTargetArn: z.strictObject({ GetAtt: z.literal('DeadLetters.Arn') }),
          maxReceiveCount: z.number().int().min(2),
        }),
      }),
    }),
    DeadLetters: z.object({ Type: z.literal('AWS::SQS::Queue') }),
    Ingest: z.object({
      Type: z.literal('AWS::Serverless::Function'),
      Properties: z.object({
        PackageType: z.literal('Image'),
        Timeout: z.number().max(900),
        Environment: z.strictObject({ Variables: z.record(z.string(), z.unknown()) }),
        Policies: z.array(policySchema),
        Events: z.strictObject({
          Messages: z.strictObject({
            Type: z.literal('SQS'),
            Properties: z.strictObject({
              Queue: z.strictObject({ GetAtt: z.literal('Events.Arn') }),
              BatchSize: z.number().max(10),
              FunctionResponseTypes: z.tuple([z.literal('ReportBatchItemFailures')]),
              ScalingConfig: z.strictObject({ MaximumConcurrency: z.number().min(2) }),
            }),
          }),
        }),
      }),
      Metadata: z.strictObject({
        Dockerfile: z.string(),
        DockerContext: z.string(),
        DockerTag: z.string(),
      }),
    }),
  }),
});

describe('deploy/sam', () => {
  const { Resources } = templateSchema.parse(parse(readFileSync(path, 'utf8'), { customTags: [...tags] }));
  const { Properties, Metadata } = Resources.Ingest;

  test('a message stays hidden for six times as long as the function may run', () => {
    assert.equal(Resources.Events.Properties.VisibilityTimeout, 6 * Properties.Timeout);
  });

  test('its settings exist', () => {
    for (const name of Object.keys(Properties.Environment.Variables)) {
      assert.ok(Object.hasOwn(environmentSchema.shape, name), name);
    }
    assert.ok(Object.hasOwn(Properties.Environment.Variables, 'PLUMBLINE_LAMBDA_COLLECTION'));
  });

  test('the function may read and list, and nothing else', () => {
    const actions = Properties.Policies.flatMap(({ Statement }) => Statement.map(({ Action }) => Action));
    assert.deepEqual(actions, ['s3:ListBucket', 's3:GetObject']);
  });

  test('its image is built from files that are there, and calls a handler that is there', () => {
    const root = join(dirname(path), Metadata.DockerContext);
    const dockerfile = readFileSync(join(root, Metadata.Dockerfile), 'utf8');
    const [, module = ''] = /^CMD \["(.+)\.handler"\]$/mu.exec(dockerfile) ?? [];
    assert.ok(existsSync(join(packageRoot, module.replace(/^dist\//u, '') + '.ts')), module);
    for (const [, files = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gmu)) {
      for (const file of files.split(' ')) assert.ok(existsSync(join(root, file)), file);
    }
  });

  test(
    'cfn-lint finds nothing',
    {
      skip: process.env['PLUMBLINE_TEST_CFN_LINT'] !== '1' && 'PLUMBLINE_TEST_CFN_LINT is not 1',
      timeout: 300_000,
    },
    async () => {
      const environment = join(packageRoot, 'scripts', 'services', 'moto', 'environment');
      const { stdout } = await run(environment);
      // It ends with a status of its own, and so rejects, when it finds something.
      await run(join(stdout.trim(), 'bin', 'cfn-lint'), [path]);
    },
  );
});
