/**
 * A server of S3's protocol that makes up its objects as they are asked for: for what a real one
 * would have to be filled with first, and for faults that a real one does not have.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { createS3Objects, type S3Objects } from '../../../src/ingest/sources/s3/objects.js';

export interface FakeObject {
  readonly key: string;
  readonly size: number;
  /** The bytes from `first` to `last`, both inclusive. */
  readonly bytes: (first: number, last: number) => Iterable<Buffer>;
}

export interface FakeS3 {
  readonly objects: S3Objects;
  /** `GET key`, `LIST token`. */
  readonly calls: string[];
  /** Bytes of bodies that were handed to the network. */
  sent(): number;
  close(): Promise<void>;
}

export interface FakeOptions {
  /** In order of their keys. */
  readonly objects: readonly FakeObject[];
  /** Answers in place of the object, or null; `count` is how often this key was asked for. */
  readonly fault?: (key: string, count: number) => 'cut' | 'lie' | number | null;
  /** The status of every listing. */
  readonly listStatus?: number;
}

const DATE = new Date('2025-01-01T00:00:00Z');
/** What is sent of an object that is much larger than it was listed. */
const LIE_BYTES = 1024 * 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, 'lorem ipsum dolor sit amet. ');

export async function startFakeS3(options: FakeOptions): Promise<FakeS3> {
  const byKey = new Map(options.objects.map((object) => [object.key, object]));
  const calls: string[] = [];
  const counts = new Map<string, number>();
  let sent = 0;

  const list = (url: URL, response: ServerResponse): void => {
    const token = url.searchParams.get('continuation-token') ?? '0';
    calls.push(`LIST ${token}`);
    if (options.listStatus !== undefined) {
      fail(response, options.listStatus);
      return;
    }
    const start = Number(token);
    const prefix = url.searchParams.get('prefix') ?? '';
    const matching = options.objects.filter(({ key }) => key.startsWith(prefix));
    const end = start + Number(url.searchParams.get('max-keys') ?? 1000);
    const contents = matching
      .slice(start, end)
      .map(
        ({ key, size }) =>
          `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>${DATE.toISOString()}</LastModified>` +
          `<ETag>${etagOf(key)}</ETag><Size>${String(size)}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
      );
    const more = end < matching.length;
    response.setHeader('content-type', 'application/xml');
    response.end(
      `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
        `<IsTruncated>${String(more)}</IsTruncated><EncodingType>url</EncodingType>${contents.join('')}` +
        `${more ? `<NextContinuationToken>${String(end)}</NextContinuationToken>` : ''}</ListBucketResult>`,
    );
  };

  const counted = function* (blocks: Iterable<Buffer>): Generator<Buffer> {
    for (const block of blocks) {
      sent += block.length;
      yield block;
    }
  };

  const send = async (response: ServerResponse, blocks: Iterable<Buffer>): Promise<void> => {
    // A client that has read enough closes the connection.
    await pipeline(Readable.from(counted(blocks)), response).catch(() => undefined);
  };

  const get = async (key: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    calls.push(`${request.method ?? ''} ${key}`);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const object = byKey.get(key);
    const fault = object === undefined ? 404 : (options.fault?.(key, count) ?? null);
    if (object === undefined || typeof fault === 'number') {
      fail(response, typeof fault === 'number' ? fault : 404);
      return;
    }
    const ifMatch = request.headers['if-match'];
    if (ifMatch !== undefined && ifMatch !== etagOf(key)) {
      fail(response, 412);
      return;
    }
    const [, first = '0', last = String(object.size - 1)] =
      /^bytes=(\d+)-(\d+)$/u.exec(request.headers.range ?? '') ?? [];
    const length = Number(last) - Number(first) + 1;
    response.statusCode = request.headers.range === undefined ? 200 : 206;
    response.setHeader('etag', etagOf(key));
    response.setHeader('last-modified', DATE.toUTCString());
    response.setHeader('content-type', 'text/plain');
    response.setHeader('content-length', fault === 'lie' ? LIE_BYTES : length);
    if (request.method === 'HEAD') response.end();
    else if (fault === 'cut') {
      const [block = BLOCK] = object.bytes(Number(first), Number(last));
      response.write(block.subarray(0, Math.floor(length / 2)), () => response.destroy());
    } else {
      const blocks = fault === 'lie' ? lies() : object.bytes(Number(first), Number(last));
      await send(response, blocks);
    }
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
    if (key === '') list(url, response);
    else void get(key, request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 2,
  });
  return {
    objects: createS3Objects(client),
    calls,
    sent: () => sent,
    async close() {
      client.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An object of that text. */
export function textObject(key: string, text: string): FakeObject {
  const bytes = Buffer.from(text);
  return { key, size: bytes.length, bytes: (first, last) => [bytes.subarray(first, last + 1)] };
}

/** An object of that many bytes, a repeated piece of text of which nothing is kept. */
export function longObject(key: string, size: number, piece: string): FakeObject {
  const pattern = Buffer.from(piece);
  const block = Buffer.concat(Array.from({ length: Math.ceil(65_536 / pattern.length) + 1 }, () => pattern));
  return {
    key,
    size,
    *bytes(first, last) {
      const step = block.length - pattern.length;
      for (let at = first; at <= last; at += step) {
        const offset = at % pattern.length;
        yield block.subarray(offset, offset + Math.min(step, last - at + 1));
      }
    },
  };
}

function* lies(): Generator<Buffer> {
  for (let sent = 0; sent < LIE_BYTES; sent += BLOCK.length) yield BLOCK;
}

function etagOf(key: string): string {
  return `"${createHash('md5').update(key).digest('hex')}"`;
}

const CODES: Readonly<Record<number, string>> = {
  403: 'AccessDenied',
  404: 'NoSuchKey',
  412: 'PreconditionFailed',
  503: 'SlowDown',
};

function fail(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/xml');
  response.end(`<Error><Code>${CODES[status] ?? 'InternalError'}</Code><Message>secret</Message></Error>`);
}
