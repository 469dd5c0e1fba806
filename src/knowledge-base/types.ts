/** A knowledge base of Amazon Bedrock as this service knows it: a retriever that owns its chunks and its model. */
import type { Fields } from '../model.js';

export type SearchType = 'HYBRID' | 'SEMANTIC';

export interface KnowledgeBase {
  /** Its name as a collection. */
  readonly name: string;
  /** Its id in AWS. */
  readonly id: string;
  /** Null: that of the service's other Bedrock calls. */
  readonly region: string | null;
  readonly searchType: SearchType;
  /** Metadata that filters may use; of no other type than its filter language has. */
  readonly fields: Fields;
  /** What a date is stored as: Knowledge Bases have numbers only. */
  readonly dateUnit: 'seconds' | 'milliseconds';
  /** Metadata attribute that holds a document's id; null: its location is its id. */
  readonly documentIdKey: string | null;
}

export const KIND = 'bedrock-knowledge-base';

/** The name that takes the place of a pin's: the model is AWS's to say. */
export function modelVersionOf({ id }: Pick<KnowledgeBase, 'id'>): string {
  return `${KIND}:${id}`;
}
