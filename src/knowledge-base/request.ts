/** What of a query a knowledge base can do. Pure. */
import { RetrievalError } from '../errors.js';
import type { JsonObject } from '../model.js';
import { parseFilter } from '../retrieval/filter/parse.js';
import { DEFAULT_VECTOR_WEIGHT } from '../retrieval/schema.js';
import type { QueryRequest } from '../retrieval/schema.js';
import { toRetrievalFilter } from './filter.js';
import type { Translated } from './filter.js';
import { modelVersionOf } from './types.js';
import type { KnowledgeBase, SearchType } from './types.js';

type Asked = Pick<
  QueryRequest,
  'mode' | 'fusion' | 'recency' | 'ef_search' | 'exact' | 'model_version' | 'filter'
>;

export interface Search {
  readonly searchType: SearchType;
  readonly filter: Translated;
}

/**
 * How a knowledge base is asked for this.
 * @throws RetrievalError `unsupported_capability` naming what it has no equal of; `model_mismatch`;
 *   `invalid_filter`, `unknown_field`
 */
export function toSearch(knowledgeBase: KnowledgeBase, request: Asked): Search {
  if (request.mode === 'keyword') {
    throw unsupported('mode', 'no keyword search of its own; send mode "hybrid" or "vector"');
  }
  if (request.recency !== undefined)
    throw unsupported('recency', 'no recency; leave it out, or filter by date');
  if (request.ef_search !== undefined) throw unsupported('ef_search', 'no such setting; leave ef_search out');
  if (request.exact) throw unsupported('exact', 'no exact search; leave exact out');
  if (!isDefaultFusion(request.fusion)) {
    throw unsupported('fusion', 'its own way to combine words and meaning; leave fusion out');
  }
  const version = modelVersionOf(knowledgeBase);
  if (request.model_version !== undefined && request.model_version !== version) {
    throw new RetrievalError(
      'model_mismatch',
      `Collection "${knowledgeBase.name}" is ${version} but the query expects ${request.model_version}. Send model_version "${version}", or leave it out.`,
      { field: 'model_version' },
    );
  }
  return {
    // `hybrid` is what a request that says nothing has: the file says what that is here.
    searchType: request.mode === 'vector' ? 'SEMANTIC' : knowledgeBase.searchType,
    filter: filterOf(knowledgeBase, request.filter),
  };
}

function filterOf({ fields, dateUnit }: KnowledgeBase, filter: JsonObject | undefined): Translated {
  return toRetrievalFilter(parseFilter(filter ?? {}, fields), dateUnit);
}

function isDefaultFusion({ method, vector_weight: weight }: QueryRequest['fusion']): boolean {
  return method === 'tm2c2' && (weight === undefined || weight === DEFAULT_VECTOR_WEIGHT.tm2c2);
}

export function unsupported(field: string, what: string): RetrievalError {
  return new RetrievalError('unsupported_capability', `A Bedrock knowledge base has ${what}`, { field });
}
