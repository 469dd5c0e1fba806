/** What `plumbline evalset grow` does. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readJudgements } from '../../eval/grow/judgements.js';
import type { Judgement } from '../../eval/grow/judgements.js';
import { HOW_LOGGED, normaliseQuestion, readQueryLog } from '../../eval/grow/logged.js';
import type { QueryLogContent } from '../../eval/grow/logged.js';
import { mergeJudgements } from '../../eval/grow/merge.js';
import { chooseOpen, renderTemplate } from '../../eval/grow/template.js';
import type { Open, TemplateLine } from '../../eval/grow/template.js';
import { assertWritable, writing } from '../../eval/outputs.js';
import type { DocumentWithChunks } from '../catalog/types.js';
import { RetrievalError, hasCode } from '../errors.js';
import { questionSchema } from '../generations/questions.js';
import type { JsonObject } from '../model.js';
import type { Runtime } from '../runtime-types.js';
import type { GrowOptions } from './commands/grow.js';
import { EXIT, printJson, printLine, withRuntime, type Context, type ExitCode } from './context.js';
import { count, cutTo, oneLine, plural } from './text.js';
import { showWarnings } from './warnings.js';

/** The name of a collection's first set, where none is given. */
const FIRST_SET = 'logged';
const SHOWN_CHARACTERS = 300;
const SHOWN_COLLECTIONS = 10;

/**
 * Without judgements writes what is to be judged; with them makes or extends the eval set.
 * @throws RetrievalError `invalid_data_set` for a file that is not what it should be,
 *   `invalid_request` where neither file is named, `collection_not_found`
 */
export async function growCommand(
  context: Context,
  collection: string,
  options: GrowOptions,
): Promise<ExitCode> {
  const { cwd, signal } = context;
  const { log, judgements, out } = options;
  if (log === undefined && judgements === undefined) {
    throw new RetrievalError('invalid_request', 'Name the query log: --log FILE', { field: 'log' });
  }
  const outPath = out === undefined ? undefined : resolve(cwd, out);
  if (outPath !== undefined) await assertWritable(outPath);
  const logged = log === undefined ? null : await readQueryLog(resolve(cwd, log), collection, signal);
  const judged = judgements === undefined ? null : await readJudgements(resolve(cwd, judgements), signal);
  return withRuntime(context, async (runtime) => {
    const set = await findSet(runtime, collection, options.name, signal);
    if (judged !== null) return extend(context, runtime, collection, set, { ...judged, logged }, options);
    if (logged === null) throw new RetrievalError('internal', 'No query log was read');
    return offer(context, runtime, collection, set, logged, { ...options, outPath });
  });
}

interface FoundSet {
  readonly name: string;
  /** None, where it is to be made. */
  readonly questions: readonly JsonObject[];
}

/** The named set, the only one, or the first one of the collection. */
async function findSet(
  { evalSets }: Runtime,
  collection: string,
  name: string | undefined,
  signal: AbortSignal,
): Promise<FoundSet> {
  const names = (await evalSets.list(collection, { signal })).map((set) => set.name);
  const [only] = names;
  if (name === undefined && names.length > 1) {
    throw new RetrievalError(
      'invalid_request',
      `Collection "${collection}" has several eval sets; --name one of: ${names.join(', ')}, or a new one`,
      { field: 'name' },
    );
  }
  const chosen = name ?? only ?? FIRST_SET;
  if (!names.includes(chosen)) return { name: chosen, questions: [] };
  return evalSets.get(collection, chosen, { signal });
}

async function offer(
  { stdout, stderr, signal }: Context,
  runtime: Runtime,
  collection: string,
  set: FoundSet,
  logged: QueryLogContent,
  { limit, hits, outPath }: GrowOptions & { readonly outPath: string | undefined },
): Promise<ExitCode> {
  const judged = new Map<string, Set<string>>();
  for (const value of set.questions) {
    const { query, expected } = questionSchema.parse(value);
    const key = normaliseQuestion(query);
    const documents = judged.get(key) ?? new Set();
    for (const { document } of expected) documents.add(document);
    judged.set(key, documents);
  }
  const open = chooseOpen(
    logged.questions,
    (key, document) => judged.get(key)?.has(document) === true,
    (key) => judged.has(key),
    { questions: limit, hits },
  );
  const { lines, gone } = await withTexts(runtime, collection, open, signal);
  const text = renderTemplate(lines, outPath?.endsWith('.tsv') === true ? 'tsv' : 'jsonl');
  if (outPath === undefined) stdout.stream.write(text);
  else await writing(outPath, writeFile(outPath, text, { mode: 0o600 }));
  if (logged.questions.size === 0) printLine(stderr, `${noQuestion(collection, logged)}. ${HOW_LOGGED}.`);
  else {
    printLine(
      stderr,
      `${plural(lines.length, 'line')} to judge, of ${count(open.length)} of the ${plural(logged.questions.size, 'question')} that were asked of "${collection}". Fill in "relevant", and give the file to --judgements.`,
    );
  }
  for (const [amount, one, several] of [
    [
      gone,
      'document that was found then is gone, and left out',
      'documents that were found then are gone, and left out',
    ],
    [
      logged.broken,
      'line is none of a query log, and was passed over',
      'lines are none of a query log, and were passed over',
    ],
    [
      logged.leftOut,
      'line holds one more question than can be counted, and was left out',
      'lines hold more different questions than can be counted, and were left out',
    ],
  ] as const) {
    if (amount > 0) printLine(stderr, `${count(amount)} ${amount === 1 ? one : several}.`);
  }
  return EXIT.ok;
}

/** A log of other collections only is perhaps the right one, and the name is not. */
function noQuestion(collection: string, { elsewhere }: QueryLogContent): string {
  const others = [...elsewhere]
    .slice(0, SHOWN_COLLECTIONS)
    .map(([name, asked]) => `${name} (${count(asked)})`);
  const but = others.length === 0 ? '' : `, but some of ${oneLine(others.join(', '))}`;
  return `The log holds no question of "${collection}"${but}`;
}

/** Each hit with what a person needs to judge it. */
async function withTexts(
  runtime: Runtime,
  collection: string,
  open: readonly Open[],
  signal: AbortSignal,
): Promise<{ readonly lines: readonly TemplateLine[]; readonly gone: number }> {
  const lines: TemplateLine[] = [];
  const gone = new Set<string>();
  for (const { question, hits } of open) {
    const { query, asked } = question;
    const head = { query, relevant: null, asked, uncertainty: Number(question.uncertainty.toFixed(3)) };
    if (hits.length === 0) lines.push({ ...head, document: '', rank: null, title: null, text: null });
    for (const { document: id, chunk, rank } of hits) {
      const found = await documentOf(runtime, collection, id, signal);
      if (found === null) {
        gone.add(id);
        continue;
      }
      const { document, chunks } = found;
      // Its chunks may be others by now: another generation, or a text that was changed.
      const passage = chunks.find((one) => one.id === chunk)?.text ?? document.text;
      lines.push({
        ...head,
        document: id,
        rank,
        title: document.title,
        text: cutTo(oneLine(passage), SHOWN_CHARACTERS),
      });
    }
  }
  return { lines, gone: gone.size };
}

async function extend(
  { stdout, stderr, signal }: Context,
  runtime: Runtime,
  collection: string,
  set: FoundSet,
  given: {
    readonly judged: readonly Judgement[];
    readonly open: number;
    readonly logged: QueryLogContent | null;
  },
  options: GrowOptions,
): Promise<ExitCode> {
  const ids = new Set(given.judged.map(({ document }) => document));
  const present = await runtime.catalog.presentDocuments(collection, [...ids], { signal });
  const missing = [...ids].filter((id) => !present.has(id));
  const merged = mergeJudgements(
    set.questions,
    given.judged.filter(({ document }) => present.has(document)),
    (key) => given.logged?.questions.get(key)?.query,
  );
  const { questions, added, extended, known, conflicts, barren } = merged;
  const warnings =
    added + extended > 0
      ? (await runtime.evalSets.put(collection, { name: set.name, questions }, { signal })).warnings
      : [];
  const isWhole = conflicts.length === 0 && missing.length === 0;
  if (options.json === true) {
    printJson(stdout, {
      eval_set: set.name,
      questions: questions.length,
      added,
      extended,
      known,
      not_judged: given.open,
      conflicts,
      missing_documents: missing,
      without_relevant: barren,
      warnings,
    });
    return isWhole ? EXIT.ok : EXIT.someFailed;
  }
  for (const { query, document, opinions } of conflicts) {
    printLine(stderr, `conflict: "${oneLine(query)}", document ${oneLine(document)}: ${opinions.join('; ')}`);
  }
  for (const id of missing) printLine(stderr, `no such document: ${oneLine(id)}`);
  for (const query of barren) printLine(stderr, `left out, nothing relevant to find: "${oneLine(query)}"`);
  printLine(
    stdout,
    `Eval set "${set.name}" of "${collection}" holds ${plural(questions.length, 'question')}: ${count(added)} new, ${count(extended)} with more judgements. ${plural(known, 'judgement')} known before, ${count(given.open)} not made yet.`,
  );
  showWarnings(stderr, warnings);
  return isWhole ? EXIT.ok : EXIT.someFailed;
}

async function documentOf(
  { catalog }: Runtime,
  collection: string,
  id: string,
  signal: AbortSignal,
): Promise<DocumentWithChunks | null> {
  try {
    return await catalog.getDocument(collection, id, { signal });
  } catch (error) {
    if (hasCode(error, 'document_not_found')) return null;
    throw error;
  }
}
