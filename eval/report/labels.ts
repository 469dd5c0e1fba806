/** Short names of measurements: what sets each apart from the others. */
import { z } from 'zod';
import { formatChunker } from '../../src/catalog/chunker.js';
import type { ChunkerSettings } from '../../src/model.js';
import { DEFAULT_RANK_CONSTANT, DEFAULT_VECTOR_WEIGHT } from '../../src/retrieval/schema.js';
import { chunkerSchema } from '../../src/stores/record-schemas.js';
import type { EvalRecord } from '../record.js';

/** One label a record, in order; equal ones are numbered. */
export function labelRecords(records: readonly EvalRecord[]): readonly string[] {
  const facts = records.map(factsOf);
  const names = [...new Set(facts.flatMap((of) => [...of.keys()]))];
  const differing = names
    .filter((name) => new Set(facts.map((of) => of.get(name))).size > 1)
    // Where nobody sets them, they follow from how many chunks there are.
    .filter((name) => name !== 'candidates' || !follows(facts, 'candidates', 'chunker'));
  const labels = facts.map((of) => {
    const parts = differing.flatMap((name) => {
      const value = of.get(name);
      return value === undefined ? [] : [`${name}=${value}`];
    });
    return parts.length > 0 ? parts.join(' ') : (of.get('mode') ?? '');
  });
  return labels.map((label, at) => {
    const before = labels.slice(0, at).filter((other) => other === label).length;
    return before === 0 ? label : `${label} (${String(before + 1)})`;
  });
}

/** Whether records of one value of `from` all have one value of `name`. */
function follows(facts: readonly ReadonlyMap<string, string>[], name: string, from: string): boolean {
  const pairs = new Set(facts.map((of) => JSON.stringify([of.get(from), of.get(name)])));
  return pairs.size === new Set(facts.map((of) => of.get(from))).size;
}

/** What a reader would tell measurements apart by, in the words of `--sweep`. */
function factsOf(record: EvalRecord): ReadonlyMap<string, string> {
  const { settings } = record;
  const fusion = fusionSchema.safeParse(settings.query['fusion']).data ?? {};
  const isHybrid = settings.mode === 'hybrid';
  const facts: readonly (readonly [string, unknown])[] = [
    ['data', record.data_set.name],
    ['split', record.data_set.split],
    ['store', record.store],
    ['model', record.model_version],
    ['chunker', chunkerName(settings.chunker)],
    ['language', settings.language],
    ['mode', settings.mode],
    ['fusion', isHybrid ? fusion.method : undefined],
    ['vector_weight', isHybrid && !isDefault(fusion) ? fusion.vector_weight : undefined],
    ['rank_constant', isHybrid && !isDefault(fusion) ? fusion.rank_constant : undefined],
    ['candidates', settings.query['candidates']],
    ['ef_search', settings.query['ef_search']],
    ['exact', settings.query['exact']],
    ['rerank', rerankSchema.safeParse(settings.query['rerank']).data?.model],
    ['version', record.version],
  ];
  return new Map(
    facts.flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, plain(value)] as const],
    ),
  );
}

const fusionSchema = z.object({
  method: z.string().optional(),
  vector_weight: z.number().optional(),
  rank_constant: z.number().optional(),
});
/** Its numbers then say nothing that its method does not. */
function isDefault({
  method,
  vector_weight: weight,
  rank_constant: constant,
}: z.output<typeof fusionSchema>): boolean {
  if (method === 'rrf') return constant === DEFAULT_RANK_CONSTANT;
  return (method === 'tm2c2' || method === 'min_max') && weight === DEFAULT_VECTOR_WEIGHT[method];
}

const rerankSchema = z.object({ model: z.string() });

function chunkerName(chunker: EvalRecord['settings']['chunker']): string | undefined {
  const known = chunkerSchema.safeParse(chunker);
  if (known.success) return formatChunker(known.data satisfies ChunkerSettings);
  return Object.keys(chunker).length === 0 ? undefined : JSON.stringify(chunker);
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
