/**
 * Builds the prompt: numbered sources and the question, each between marker lines that bear a code
 * which no text can know. Pure but for the code, which is given.
 */
import { RetrievalError } from '../errors.js';
import type { Hit } from '../retrieval/schema.js';
import { fill } from './template.js';
import type { PromptTemplate } from './template.js';

export interface PromptInput {
  readonly template: PromptTemplate;
  readonly question: string;
  /** Best first. */
  readonly hits: readonly Hit[];
  /** Most tokens of the whole prompt. */
  readonly budget: number;
  readonly countTokens: (text: string) => number;
  /** A fresh code at each call; asked again should a text hold it. */
  readonly newBoundary: () => string;
}

export interface Prompt {
  readonly system: string;
  readonly user: string;
  /** The hits that found room, source 1 first. */
  readonly sources: readonly Hit[];
  readonly tokens: number;
}

/**
 * @throws RetrievalError `invalid_request` when not even one source finds room.
 */
export function buildPrompt(input: PromptInput): Prompt {
  const { hits, budget, countTokens } = input;
  const boundary = unheard(input);
  const blocks = hits.map((hit, index) => sourceBlock(hit, index + 1, boundary));
  const bare = render(input, [], boundary);
  let room = budget - countTokens(bare.system) - countTokens(bare.user);
  let taken = 0;
  for (const block of blocks) {
    room -= countTokens(block);
    if (room < 0) break;
    taken += 1;
  }
  // Tokens may join otherwise in the whole than in its parts: the whole is what counts.
  for (; taken > 0; taken -= 1) {
    const { system, user } = render(input, blocks.slice(0, taken), boundary);
    const tokens = countTokens(system) + countTokens(user);
    if (tokens <= budget) return { system, user, sources: hits.slice(0, taken), tokens };
  }
  throw new RetrievalError(
    'invalid_request',
    `The prompt has room for ${String(budget)} tokens, which is too little for the question and one source; raise prompt_tokens`,
    { field: 'prompt_tokens', details: { prompt_tokens: budget } },
  );
}

function render(
  { template, question }: PromptInput,
  blocks: readonly string[],
  boundary: string,
): Pick<Prompt, 'system' | 'user'> {
  const values = {
    sources: blocks.join('\n\n'),
    question: marked('question', boundary, question),
    boundary,
  };
  return { system: fill(template.system, values), user: fill(template.user, values) };
}

function sourceBlock(hit: Hit, number: number, boundary: string): string {
  const about = [
    hit.title === null ? null : `title: ${oneLine(hit.title)}`,
    hit.heading_path.length === 0 ? null : `section: ${hit.heading_path.map(oneLine).join(' > ')}`,
    hit.source === null ? null : `from: ${oneLine(hit.source)}`,
  ].filter((line) => line !== null);
  // Titles and paths come from documents as well, so they stand inside the markers.
  return marked(`source ${String(number)}`, boundary, [...about, '', hit.text].join('\n').trimStart());
}

function marked(name: string, boundary: string, text: string): string {
  return `[[${name} ${boundary}]]\n${text}\n[[end of ${name} ${boundary}]]`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}

/** Chance makes a clash next to impossible; looking makes it impossible. */
function unheard({ question, hits, newBoundary }: PromptInput): string {
  const texts = [
    question,
    ...hits.flatMap((hit) => [hit.text, hit.title ?? '', hit.source ?? '', ...hit.heading_path]),
  ];
  for (;;) {
    const boundary = newBoundary();
    if (!texts.some((text) => text.includes(boundary))) return boundary;
  }
}
