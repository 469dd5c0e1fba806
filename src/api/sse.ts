/** Server-sent events. */
import { Readable } from 'node:stream';

export const EVENT_STREAM = 'text/event-stream';

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Whether the Accept header names the media type of events; a wildcard does not ask for it. */
export function wantsEvents(accept: string | undefined): boolean {
  return (accept ?? '')
    .split(',')
    .some(
      (part) => /^\s*text\/event-stream\s*(?:;|$)/iu.test(part) && !/;\s*q=0(?:\.0*)?\s*(?:;|$)/iu.test(part),
    );
}

/** As a body; each event goes out when it is made. JSON has no line breaks, so one line holds the data. */
export function eventStream(events: AsyncIterable<ServerEvent>): Readable {
  return Readable.from(
    (async function* () {
      for await (const { event, data } of events) yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    })(),
    { objectMode: false, highWaterMark: 1 },
  );
}
