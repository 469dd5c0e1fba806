/** The prompt's template: a text file with placeholders, checked when it is read. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RetrievalError } from '../errors.js';
import { packageRoot } from '../package-root.js';

const SETTING = 'PLUMBLINE_ANSWER_PROMPT_FILE';
const PLACEHOLDERS = ['sources', 'question', 'boundary'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

export interface PromptTemplate {
  readonly system: string;
  readonly user: string;
}

/**
 * Reads and checks a template; the one that comes with Plumbline where `path` is null.
 * @throws RetrievalError `invalid_config` naming the setting and what is wrong.
 */
export async function loadTemplate(path: string | null): Promise<PromptTemplate> {
  const file = path ?? join(packageRoot, 'prompts', 'answer.txt');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw invalid(`the file ${file} cannot be read`, error);
  }
  return parseTemplate(text);
}

/** @throws RetrievalError `invalid_config`. */
export function parseTemplate(text: string): PromptTemplate {
  const parts = /^\[system\][^\S\n]*$([\s\S]*?)^\[user\][^\S\n]*$([\s\S]*)/mu.exec(
    text.replaceAll('\r\n', '\n'),
  );
  if (parts === null) throw invalid('it needs a line "[system]" and, below it, a line "[user]"');
  const [, system = '', user = ''] = parts.map((part) => part.trim());
  for (const [, name = ''] of `${system}\n${user}`.matchAll(/\{\{([^{}]*)\}\}/gu)) {
    if (!isPlaceholder(name)) {
      throw invalid(
        `it has an unknown placeholder {{${name.slice(0, 40)}}}; known are ${PLACEHOLDERS.map((known) => `{{${known}}}`).join(', ')}`,
      );
    }
  }
  for (const name of ['sources', 'question'] as const) {
    const found = count(user, name);
    if (found !== 1)
      throw invalid(`its [user] part has {{${name}}} ${String(found)} times; it needs it once`);
    if (count(system, name) > 0)
      throw invalid(`{{${name}}} belongs in the [user] part: it is data, not instruction`);
  }
  return { system, user };
}

/** Fills in the placeholders, each once: what is filled in is not looked at for placeholders again. */
export function fill(template: string, values: Readonly<Record<Placeholder, string>>): string {
  return template.replaceAll(/\{\{([^{}]*)\}\}/gu, (whole, name: string) =>
    isPlaceholder(name) ? values[name] : whole,
  );
}

function isPlaceholder(name: string): name is Placeholder {
  return PLACEHOLDERS.some((known) => known === name);
}

function count(text: string, name: Placeholder): number {
  return text.split(`{{${name}}}`).length - 1;
}

function invalid(problem: string, cause?: unknown): RetrievalError {
  return new RetrievalError('invalid_config', `The prompt's template is not valid: ${problem}`, {
    field: SETTING,
    ...(cause === undefined ? {} : { cause }),
  });
}
