/** Who does something that has to be ended by others when he does not end it himself. */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { z } from 'zod';

export const holderSchema = z.object({
  id: z.string(),
  machine: z.string(),
  process: z.number().int(),
  thread: z.number().int(),
});
export type Holder = z.infer<typeof holderSchema>;

/** Ids of holders in this thread that are at it now, by whichever store. */
export const held = new Set<string>();

export function newHolder(): Holder {
  return { id: randomUUID(), machine: MACHINE, process: process.pid, thread: threadId };
}

/** Names the set of processes that this one can see: a machine since its start, or a container in it. */
const MACHINE = `${hostname()} ${attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())} ${attempt(() => readlinkSync('/proc/self/ns/pid'))}`;

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Whether a holder has certainly ended: a process of this machine that is there no more, or a turn this thread gave up. */
export function isDead(holder: Holder): boolean {
  if (holder.machine !== MACHINE) return false;
  if (holder.process === process.pid && holder.thread === threadId) return !held.has(holder.id);
  try {
    process.kill(holder.process, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
