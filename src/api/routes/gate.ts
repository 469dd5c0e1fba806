/** The quality gate: is another generation good enough to be activated? */
import { RetrievalError } from '../../errors.js';
import type { GateStatus } from '../../generations/background-gates.js';
import type { GateReport } from '../../generations/gate.js';
import { noSuchGeneration } from '../../generations/refusals.js';
import type { CallOptions } from '../../stores/port.js';
import { toAuthor } from '../generation-wire.js';
import { answer } from '../schemas/common.js';
import { gateSchema, newGateSchema } from '../schemas/gate.js';
import type { GateWire } from '../schemas/gate.js';
import { generationParams } from '../schemas/generation.js';
import { BODY_CODES, STORE_CODES, problemResponses } from '../schemas/problem.js';
import type { RouteContext, ZodApp } from '../types.js';
import { workOf } from '../work-hooks.js';

const CODES = [
  'invalid_collection_name',
  'collection_not_found',
  'generation_not_found',
  'unsupported_capability',
  ...STORE_CODES,
] as const;

export function gateRoutes(app: ZodApp, { runtime, gates, prepareGate }: RouteContext): void {
  const read = async (name: string, generation: number, options: CallOptions): Promise<GateWire> => {
    const all = await runtime.generations.list(name, options);
    if (!all.some(({ id }) => id === generation)) throw noSuchGeneration(name, generation, all);
    const result = await runtime.gateReports.latest(name, generation, options);
    return toWire(generation, gates.status(name, generation), result);
  };

  app.post(
    '/collections/:name/generations/:generation/gate',
    {
      schema: {
        operationId: 'runGate',
        summary: 'Compare this generation with the active one on an eval set',
        description:
          'Builds what is missing, asks every question of both generations in the background, one after another, and keeps what it finds: `GET` on the same path has it, and `activate` goes by it. One gate is run at a time.',
        tags: ['generations'],
        params: generationParams,
        body: newGateSchema,
        response: {
          202: answer('It is being run', gateSchema),
          ...problemResponses(
            'not_found',
            'generation_conflict',
            'invalid_data_set',
            'overloaded',
            ...CODES,
            ...BODY_CODES,
          ),
        },
      },
    },
    async (request, reply) => {
      const { name, generation } = request.params;
      const { policy, eval_set: evalSet } = request.body;
      if (prepareGate === undefined) {
        throw new RetrievalError(
          'unsupported_capability',
          'This service was started without the evaluation; run "plumbline gate"',
        );
      }
      if (runtime.builds.status(name, generation)?.state === 'running') {
        throw new RetrievalError(
          'generation_conflict',
          `Generation ${String(generation)} of collection "${name}" is being built; run its gate when that is done`,
          { field: 'generation' },
        );
      }
      const begun = await workOf(request).run(async (options) => {
        await gates.start(name, generation, () =>
          prepareGate(runtime, {
            ...options,
            collection: name,
            generation,
            policy,
            author: toAuthor(request.body),
            ...(evalSet === undefined ? {} : { evalSet }),
          }),
        );
        return read(name, generation, options);
      });
      return reply.code(202).send(begun);
    },
  );

  app.get(
    '/collections/:name/generations/:generation/gate',
    {
      schema: {
        operationId: 'getGate',
        summary: 'How far a gate is, and what the latest one found',
        tags: ['generations'],
        params: generationParams,
        response: { 200: answer('The gate', gateSchema), ...problemResponses(...CODES) },
      },
    },
    async (request) => {
      const { name, generation } = request.params;
      return workOf(request).run((options) => read(name, generation, options));
    },
  );
}

function toWire(
  generation: number,
  status: GateStatus | null,
  result: (GateReport & { readonly at: string }) | null,
): GateWire {
  return {
    generation,
    run:
      status === null
        ? null
        : {
            state: status.state,
            stage: status.progress?.stage ?? null,
            asked: status.progress?.asked ?? null,
            questions: status.progress?.questions ?? null,
            error: status.error,
          },
    result,
  };
}
