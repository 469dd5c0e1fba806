/** One client a region, made when first needed. */
import { BedrockAgentRuntimeClient } from '@aws-sdk/client-bedrock-agent-runtime';
import type { Asked, Refusal } from '../bedrock/errors.js';
import { clientConfig } from '../bedrock/settings.js';
import type { BedrockSettings } from '../bedrock/settings.js';
import type { KnowledgeBase } from './types.js';

export interface KnowledgeBaseClients {
  of(knowledgeBase: KnowledgeBase): Promise<BedrockAgentRuntimeClient>;
  close(): Promise<void>;
}

export function createClients(settings: BedrockSettings): KnowledgeBaseClients {
  const opened = new Map<string | null, Promise<BedrockAgentRuntimeClient>>();
  return {
    of({ region }) {
      const key = region ?? settings.region;
      const known = opened.get(key);
      if (known !== undefined) return known;
      const opening = clientConfig(settings, key).then((config) => new BedrockAgentRuntimeClient(config));
      opened.set(key, opening);
      return opening;
    },
    async close() {
      for (const client of await Promise.allSettled(opened.values())) {
        if (client.status === 'fulfilled') client.value.destroy();
      }
    },
  };
}

const REFUSALS: readonly Refusal[] = [
  {
    pattern: /hybrid/iu,
    advice:
      'The vector store behind this knowledge base has no hybrid search: set its search_type to SEMANTIC in the file of PLUMBLINE_KNOWLEDGE_BASES_FILE, or send mode "vector"',
    code: 'unsupported_capability',
    field: 'mode',
  },
  {
    pattern: /filter/iu,
    advice:
      'Its vector store does not take this filter: see that each field in it is one of its metadata, of the type declared in the file of PLUMBLINE_KNOWLEDGE_BASES_FILE',
    code: 'invalid_filter',
    field: 'filter',
  },
  {
    pattern: /managed knowledge base|managedSearch/iu,
    advice:
      'It is of a kind that is asked otherwise; only knowledge bases with a vector store of their own are served',
    code: 'unsupported_capability',
    field: 'name',
  },
  {
    pattern: /input.*(?:length|long)|length less than or equal/iu,
    advice: 'The question is longer than a knowledge base takes; shorten it',
    field: 'query',
  },
];

export function askedOf({ name, id }: KnowledgeBase, permission: string): Asked {
  return { what: `the knowledge base "${name}" (${id})`, permission, field: 'name', refusals: REFUSALS };
}
