/**
 * Changes the model of a collection, and ends by kill -9 at one moment of one stage: at once by
 * itself, or soon after by its parent, who is told; or it stands still there. Says how many texts it gave to the embedder, and
 * at the end how many moments there were.
 */
import { writeSync } from 'node:fs';
import { z } from 'zod';
import { STAGES, openReembed, reembed } from './reembed.js';
import type { Stage } from './reembed.js';
import { openCrashStore } from './store.js';

const planSchema = z.object({
  url: z.string(),
  stage: z.enum(STAGES).nullable(),
  moment: z.number().int(),
  by: z.enum(['itself', 'parent', 'nobody']),
});
const plan = planSchema.parse(JSON.parse(process.argv[2] ?? ''));
const counts: Partial<Record<Stage, number>> = {};

const runtime = await openReembed(await openCrashStore(plan.url), {
  at: (stage) => {
    const count = (counts[stage] ?? 0) + 1;
    counts[stage] = count;
    if (stage !== plan.stage || count !== plan.moment) return;
    if (plan.by === 'itself') process.kill(process.pid, 'SIGKILL');
    else writeSync(1, 'now\n');
    if (plan.by === 'nobody') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  embeds: (texts) => {
    writeSync(1, `embeds ${String(texts)}\n`);
  },
});
await reembed(runtime);
await runtime.close();
writeSync(1, `moments ${JSON.stringify(counts)}\n`);
