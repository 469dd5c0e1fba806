/** Records the SQL that a query makes, and makes it again without Plumbline. */
import pg from 'pg';

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly name: string | undefined;
}

/** Statements that ran at the same time, one list a connection; each group waits for the one before. */
export type Recording = readonly (readonly (readonly Statement[])[])[];

interface Entry extends Statement {
  readonly client: unknown;
  readonly started: number;
  ended: number;
}

export interface Recorder {
  record(run: () => Promise<unknown>): Promise<Recording>;
  stop(): void;
}

/** Listens in on every `pg` connection of this process until it is stopped. */
export function createRecorder(): Recorder {
  const prototype = pg.Client.prototype as unknown as Record<string, unknown>;
  const original = prototype['query'] as (...args: readonly unknown[]) => unknown;
  let entries: Entry[] | null = null;
  prototype['query'] = function query(this: unknown, ...args: readonly unknown[]): unknown {
    const answer = Reflect.apply(original, this, args);
    const statement = toStatement(args[0], args[1]);
    if (entries !== null && statement !== null && answer instanceof Promise) {
      const entry: Entry = { ...statement, client: this, started: performance.now(), ended: Infinity };
      entries.push(entry);
      const end = (): void => {
        entry.ended = performance.now();
      };
      answer.then(end, end);
    }
    return answer;
  };
  return {
    async record(run) {
      const own: Entry[] = [];
      entries = own;
      try {
        await run();
      } finally {
        entries = null;
      }
      return toGroups(own);
    },
    stop() {
      prototype['query'] = original;
    },
  };
}

/** Runs a recording on bare connections. */
export async function replay(clients: readonly pg.Client[], recording: Recording): Promise<void> {
  for (const group of recording) {
    await Promise.all(
      group.map(async (statements, index) => {
        const client = clients[index];
        if (client === undefined) throw new Error('A recording needs more connections than there are');
        for (const { text, values, name } of statements) {
          await client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
        }
      }),
    );
  }
}

function toStatement(first: unknown, second: unknown): Statement | null {
  if (typeof first === 'string') {
    return { text: first, values: Array.isArray(second) ? (second as unknown[]) : [], name: undefined };
  }
  if (typeof first !== 'object' || first === null || !('text' in first) || typeof first.text !== 'string') {
    return null;
  }
  const values = 'values' in first && Array.isArray(first.values) ? (first.values as unknown[]) : [];
  const given: unknown = Array.isArray(second) ? second : values;
  return {
    text: first.text,
    values: given as readonly unknown[],
    name: 'name' in first && typeof first.name === 'string' ? first.name : undefined,
  };
}

/** A statement that begins after all before it have ended begins a new group. */
function toGroups(entries: readonly Entry[]): Recording {
  const groups: Map<unknown, Statement[]>[] = [];
  let latest = -Infinity;
  for (const { client, started, ended, text, values, name } of entries) {
    let group = groups.at(-1);
    if (group === undefined || started >= latest) {
      group = new Map();
      groups.push(group);
    }
    const own = group.get(client) ?? [];
    own.push({ text, values, name });
    group.set(client, own);
    latest = Math.max(latest, ended);
  }
  return groups.map((group) => [...group.values()]);
}
