/** Refusals that the fakes have in common. */
import { awsError } from './server.js';
import type { FakeError, FakeRequest } from './server.js';

/** What a handler throws to be answered as AWS would. */
export class Refused extends Error {
  readonly reply: FakeError;

  constructor(reply: FakeError) {
    super(reply.message);
    this.reply = reply;
  }
}

export function refuse(message: string): Refused {
  return new Refused(awsError('ValidationException', 400, message));
}

export function notFound(message: string): Refused {
  return new Refused(awsError('ResourceNotFoundException', 404, message));
}

/** @throws Refused unless the text's length lies within. */
export function assertLength(name: string, text: string | undefined, least: number, most: number): string {
  if (text === undefined)
    throw refuse(`Value null at '${name}' failed to satisfy constraint: Member must not be null`);
  if (text.length < least || text.length > most) {
    const bound =
      text.length < least
        ? `greater than or equal to ${String(least)}`
        : `less than or equal to ${String(most)}`;
    throw refuse(
      `1 validation error detected: Value '${text.slice(0, 200)}' at '${name}' failed to satisfy constraint: Member must have length ${bound}`,
    );
  }
  return text;
}

export function assertRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw refuse(
    `Value '${String(value)}' at '${name}' failed to satisfy constraint: Member must be between ${String(least)} and ${String(most)}`,
  );
}

/** Runs a handler; what it refuses is its reply. */
export async function answering<T>(run: () => T | Promise<T>): Promise<T | FakeError> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refused) return error.reply;
    throw error;
  }
}

/** The request's body, which is an operation's input. */
export function inputOf({ body }: FakeRequest): unknown {
  return body ?? {};
}

/** Words in common, of those of the question: how the fakes rank. */
export function overlap(query: string, text: string): number {
  const wanted = new Set(wordsOf(query));
  const found = new Set(wordsOf(text));
  const common = [...wanted].filter((word) => found.has(word)).length;
  return wanted.size === 0 ? 0 : common / wanted.size;
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
}
