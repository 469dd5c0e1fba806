/** The few calls to S3 that the source makes, each validated, cancellable, and with typed errors. */
import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import { RetrievalError } from '../../../errors.js';
import type { CallOptions } from '../../../stores/port.js';
import { readBytes } from '../text.js';
import { invalidAnswer, isCut, s3Error, statusOf } from './errors.js';
import type { S3ObjectRef } from './location.js';

/** What a listing tells of an object; equal means that its bytes are the same. */
export interface S3Object {
  readonly key: string;
  /** With its quotes, as S3 writes it and takes it back. */
  readonly etag: string;
  readonly size: number;
  /** Epoch milliseconds in whole seconds: a listing may be finer than an object's own header. */
  readonly modifiedAt: number;
}

export interface DescribedObject extends S3Object {
  readonly contentType: string | null;
}

/** `cut`: the body ended early. `changed`: it is no longer the object of that ETag. */
export type S3Read =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'changed' }
  | { readonly kind: 'cut'; readonly cause: unknown };

export interface ReadRequest extends CallOptions {
  readonly etag: string;
  /** More than this is refused, whatever was listed. */
  readonly maxBytes: number;
  /** First and last byte, both inclusive. */
  readonly range?: readonly [first: number, last: number];
}

export interface S3Objects {
  /** All objects whose keys begin with the prefix, in order of their keys; a page is held at a time. */
  list(
    bucket: string,
    prefix: string,
    options: CallOptions & { readonly pageSize?: number; readonly limit?: number },
  ): AsyncGenerator<S3Object>;
  /** The object as it is now; null when there is none. */
  head(ref: S3ObjectRef, options: CallOptions): Promise<DescribedObject | null>;
  read(ref: S3ObjectRef, request: ReadRequest): Promise<S3Read>;
  tags(ref: S3ObjectRef, options: CallOptions): Promise<Readonly<Record<string, string>>>;
  close(): void;
}

const MAX_PAGE = 1000;

const listedSchema = z.object({
  Key: z.string(),
  ETag: z.string(),
  Size: z.number(),
  LastModified: z.date(),
});

const pageSchema = z.object({
  Contents: z.array(listedSchema).default([]),
  IsTruncated: z.boolean().optional(),
  NextContinuationToken: z.string().optional(),
  EncodingType: z.string().optional(),
});

const headSchema = z.object({
  ETag: z.string(),
  ContentLength: z.number(),
  LastModified: z.date(),
  ContentType: z.string().optional(),
});

const tagsSchema = z.object({ TagSet: z.array(z.object({ Key: z.string(), Value: z.string() })) });

/** Over a client, whose own retries are the only ones. */
export function createS3Objects(client: S3Client): S3Objects {
  return {
    async *list(bucket, prefix, { signal, pageSize = MAX_PAGE, limit = Infinity }) {
      let token: string | undefined;
      let left = limit;
      do {
        const page: z.infer<typeof pageSchema> = await call(
          { bucket, key: prefix },
          's3:ListBucket',
          signal,
          async () =>
            pageSchema.parse(
              await client.send(
                new ListObjectsV2Command({
                  Bucket: bucket,
                  Prefix: prefix,
                  MaxKeys: Math.min(pageSize, left),
                  // Keys may hold what XML cannot.
                  EncodingType: 'url',
                  ContinuationToken: token,
                }),
                abortable(signal),
              ),
            ),
        );
        const decode = page.EncodingType === 'url' ? decodeKey : (key: string): string => key;
        for (const { Key, ETag, Size, LastModified } of page.Contents) {
          if (left <= 0) return;
          left -= 1;
          yield { key: decode(Key), etag: ETag, size: Size, modifiedAt: wholeSeconds(LastModified) };
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined && left > 0);
    },

    async head(ref, { signal }) {
      return call(ref, 's3:GetObject', signal, async () => {
        try {
          const answer = headSchema.parse(
            await client.send(new HeadObjectCommand({ Bucket: ref.bucket, Key: ref.key }), abortable(signal)),
          );
          return {
            key: ref.key,
            etag: answer.ETag,
            size: answer.ContentLength,
            modifiedAt: wholeSeconds(answer.LastModified),
            contentType: answer.ContentType ?? null,
          };
        } catch (error) {
          // Of a missing bucket too: a HEAD has no body to tell the two apart.
          if (statusOf(error) === 404) return null;
          throw error;
        }
      });
    },

    async read(ref, { signal, etag, maxBytes, range }) {
      return call(ref, 's3:GetObject', signal, async (): Promise<S3Read> => {
        try {
          const { Body } = await client.send(
            new GetObjectCommand({
              Bucket: ref.bucket,
              Key: ref.key,
              IfMatch: etag,
              ...(range === undefined ? {} : { Range: `bytes=${String(range[0])}-${String(range[1])}` }),
            }),
            abortable(signal),
          );
          if (Body === undefined) throw invalidAnswer(ref);
          // In Node the body is always a stream of Node's.
          return { kind: 'bytes', bytes: await readBytes(Body as Readable, maxBytes) };
        } catch (error) {
          const status = statusOf(error);
          if (status === 412 || status === 404 || status === 416) return { kind: 'changed' };
          if (signal?.aborted !== true && isCut(error)) return { kind: 'cut', cause: error };
          throw error;
        }
      });
    },

    async tags(ref, { signal }) {
      return call(ref, 's3:GetObjectTagging', signal, async () => {
        const answer = tagsSchema.parse(
          await client.send(
            new GetObjectTaggingCommand({ Bucket: ref.bucket, Key: ref.key }),
            abortable(signal),
          ),
        );
        return Object.fromEntries(answer.TagSet.map(({ Key, Value }) => [Key, Value]));
      });
    },

    close() {
      client.destroy();
    },
  };
}

async function call<T>(
  ref: S3ObjectRef,
  permission: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RetrievalError) throw error;
    if (error instanceof z.ZodError) throw invalidAnswer(ref, error);
    throw s3Error(error, ref, permission, signal);
  }
}

function abortable(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** As a form encodes it: `+` stands for a space. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', '%20'));
}

function wholeSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}
