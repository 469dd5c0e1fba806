/** What a knowledge base finds → our passages. Answers are checked here. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JsonObject, JsonValue } from '../model.js';
import type { KnowledgeBase } from './types.js';

/** A passage as both of its calls give it; only Retrieve tells a score. */
export interface Passage {
  readonly chunkId: string;
  readonly documentId: string;
  readonly title: string | null;
  readonly source: string | null;
  readonly text: string;
  readonly metadata: JsonObject;
  readonly score: number | null;
}

const contentSchema = z.looseObject({
  text: z.string().optional(),
  audio: z.looseObject({ transcription: z.string().optional() }).optional(),
  video: z.looseObject({ summary: z.string().optional() }).optional(),
  row: z
    .array(z.looseObject({ columnName: z.string().optional(), columnValue: z.string().optional() }))
    .optional(),
});

const locationSchema = z.looseObject({
  s3Location: z.looseObject({ uri: z.string().optional() }).optional(),
  kendraDocumentLocation: z.looseObject({ uri: z.string().optional() }).optional(),
  customDocumentLocation: z.looseObject({ id: z.string().optional() }).optional(),
  webLocation: z.looseObject({ url: z.string().optional() }).optional(),
  confluenceLocation: z.looseObject({ url: z.string().optional() }).optional(),
  salesforceLocation: z.looseObject({ url: z.string().optional() }).optional(),
  sharePointLocation: z.looseObject({ url: z.string().optional() }).optional(),
  oneDriveLocation: z.looseObject({ url: z.string().optional() }).optional(),
  googleDriveLocation: z.looseObject({ url: z.string().optional() }).optional(),
});

export const passageSchema = z.looseObject({
  content: contentSchema.optional(),
  location: locationSchema.optional(),
  score: z.number().optional(),
  metadata: z.record(z.string(), z.json()).optional(),
  documentId: z.string().optional(),
});

type Found = z.output<typeof passageSchema>;

/** Metadata that Bedrock itself adds. */
const CHUNK_ID = 'x-amz-bedrock-kb-chunk-id';
const SOURCE_URI = 'x-amz-bedrock-kb-source-uri';
const TITLES = ['title', 'x-amz-kendra-document-title'] as const;

export function toPassage(found: Found, knowledgeBase: KnowledgeBase): Passage {
  const metadata = found.metadata ?? {};
  const text = textOf(found);
  const source = locationOf(found) ?? stringAt(metadata, SOURCE_URI);
  const ownId = knowledgeBase.documentIdKey === null ? null : idAt(metadata, knowledgeBase.documentIdKey);
  const documentId = ownId ?? found.documentId ?? source ?? knowledgeBase.id;
  return {
    chunkId: stringAt(metadata, CHUNK_ID) ?? hashOf(knowledgeBase.id, documentId, text),
    documentId,
    title: TITLES.map((key) => stringAt(metadata, key)).find((title) => title !== null) ?? null,
    source,
    text,
    metadata,
    score: found.score ?? null,
  };
}

function textOf({ content }: Found): string {
  if (content === undefined) return '';
  if (content.row !== undefined) {
    return content.row
      .map(({ columnName = '', columnValue = '' }) => `${columnName}: ${columnValue}`)
      .join('\n');
  }
  return content.text ?? content.audio?.transcription ?? content.video?.summary ?? '';
}

function locationOf({ location }: Found): string | null {
  if (location === undefined) return null;
  const { s3Location, kendraDocumentLocation, customDocumentLocation, ...pages } = location;
  const page = [
    pages.webLocation,
    pages.confluenceLocation,
    pages.salesforceLocation,
    pages.sharePointLocation,
    pages.oneDriveLocation,
    pages.googleDriveLocation,
  ].find((place) => place?.url !== undefined);
  return s3Location?.uri ?? kendraDocumentLocation?.uri ?? customDocumentLocation?.id ?? page?.url ?? null;
}

function stringAt(metadata: Readonly<Record<string, JsonValue>>, key: string): string | null {
  const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : null;
}

/** An id may have been stored as a number. */
function idAt(metadata: Readonly<Record<string, JsonValue>>, key: string): string | null {
  const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  return typeof value === 'number' ? String(value) : stringAt(metadata, key);
}

function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
