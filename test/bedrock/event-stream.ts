/**
 * Writes the framing of `application/vnd.amazon.eventstream`: total length, headers' length, CRC of
 * both, headers, payload, CRC of all; numbers are big-endian.
 */
import { crc32 } from 'node:zlib';

/** One event, `:message-type` event; the payload is JSON. */
export function eventFrame(type: string, payload: unknown): Buffer {
  return frame(
    { ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' },
    Buffer.from(JSON.stringify(payload)),
  );
}

/** An error that the service raises in mid-stream. */
export function exceptionFrame(type: string, message: string): Buffer {
  return frame(
    { ':message-type': 'exception', ':exception-type': type, ':content-type': 'application/json' },
    Buffer.from(JSON.stringify({ message })),
  );
}

function frame(headers: Readonly<Record<string, string>>, payload: Buffer): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(12 + head.length + payload.length + 4, 0);
  prelude.writeUInt32BE(head.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const whole = Buffer.concat([prelude, head, payload]);
  const end = Buffer.alloc(4);
  end.writeUInt32BE(crc32(whole), 0);
  return Buffer.concat([whole, end]);
}

const STRING = 7;

function header(name: string, value: string): Buffer {
  const text = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length, 0);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([STRING]), length, text]);
}
