/** Collections that another service keeps, beside those of the store. */
import { RetrievalError } from '../errors.js';
import type { Fields } from '../model.js';
import type { Catalog } from './types.js';

/** A collection whose documents, chunks and model are a Bedrock knowledge base's. */
export interface ManagedCollection {
  readonly kind: 'bedrock-knowledge-base';
  readonly name: string;
  readonly knowledgeBaseId: string;
  /** Null: that of the service's other Bedrock calls. */
  readonly region: string | null;
  readonly searchType: 'HYBRID' | 'SEMANTIC';
  readonly fields: Fields;
  readonly modelVersion: string;
}

/** The catalog with their names taken: what only a store's collection can do is refused for them. */
export function withManaged(catalog: Catalog, managed: readonly ManagedCollection[]): Catalog {
  if (managed.length === 0) return catalog;
  const names = new Set(managed.map(({ name }) => name));
  const refuse = (name: string): void => {
    if (names.has(name)) throw notOurs(name);
  };
  return {
    ...catalog,
    async createCollection(input, options) {
      if (names.has(input.name)) {
        throw new RetrievalError(
          'collection_exists',
          `"${input.name}" is a Bedrock knowledge base; choose another name`,
          {
            field: 'name',
          },
        );
      }
      return catalog.createCollection(input, options);
    },
    async getCollection(name, options) {
      refuse(name);
      return catalog.getCollection(name, options);
    },
    async describeCollection(name, options) {
      refuse(name);
      return catalog.describeCollection(name, options);
    },
    async deleteCollection(name, options) {
      if (names.has(name)) {
        throw new RetrievalError(
          'unsupported_capability',
          `"${name}" is a Bedrock knowledge base and not Plumbline's to delete; take it out of the file of PLUMBLINE_KNOWLEDGE_BASES_FILE`,
          { field: 'name' },
        );
      }
      return catalog.deleteCollection(name, options);
    },
    async getDocument(name, id, options) {
      refuse(name);
      return catalog.getDocument(name, id, options);
    },
    async presentDocuments(name, ids, options) {
      refuse(name);
      return catalog.presentDocuments(name, ids, options);
    },
    async listDocuments(name, query, options) {
      refuse(name);
      return catalog.listDocuments(name, query, options);
    },
    async countDocuments(name, filter, options) {
      refuse(name);
      return catalog.countDocuments(name, filter, options);
    },
    async deleteDocument(name, id, options) {
      refuse(name);
      return catalog.deleteDocument(name, id, options);
    },
    async deleteByFilter(name, filter, options) {
      refuse(name);
      return catalog.deleteByFilter(name, filter, options);
    },
  };
}

function notOurs(name: string): RetrievalError {
  return new RetrievalError(
    'unsupported_capability',
    `"${name}" is a Bedrock knowledge base: its documents are those of its data sources. Change them there, then run: plumbline kb sync ${name} --data-source ID`,
    { field: 'name' },
  );
}
