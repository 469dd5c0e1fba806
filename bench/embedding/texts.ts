/** The texts that are embedded: a data set's documents cut to the model's window, or made-up ones. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { Tokenizer } from '../../src/model.js';
import { mulberry32 } from '../support/random.js';

/** Pieces of a BEIR folder's documents, in the corpus's order, each as long as the window allows. */
export async function dataSetTexts(folder: string, count: number, tokenizer: Tokenizer): Promise<string[]> {
  const plain = join(folder, 'corpus.jsonl');
  const input = existsSync(plain)
    ? createReadStream(plain)
    : createReadStream(`${plain}.gz`).pipe(createGunzip());
  const texts: string[] = [];
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line === '') continue;
    const { title, text } = JSON.parse(line) as { readonly title?: string; readonly text: string };
    texts.push(...cut(`${title ?? ''} ${text}`, tokenizer));
    if (texts.length >= count) break;
  }
  return texts.slice(0, count);
}

function cut(text: string, tokenizer: Tokenizer): string[] {
  const pieces: string[] = [];
  let piece: string[] = [];
  let tokens = 0;
  for (const word of text.split(/\s+/u)) {
    const more = tokenizer.count(word);
    if (tokens + more > tokenizer.maxTokens && piece.length > 0) {
      pieces.push(piece.join(' '));
      piece = [];
      tokens = 0;
    }
    if (more > tokenizer.maxTokens) continue;
    piece.push(word);
    tokens += more;
  }
  if (piece.length > 0) pieces.push(piece.join(' '));
  return pieces;
}

/** Made-up words of one to four syllables, 60 to 250 tokens a text; the same for the same seed. */
export function madeUpTexts(count: number, tokenizer: Tokenizer, seed = 1): string[] {
  const random = mulberry32(seed);
  const syllables = ['ta', 're', 'mi', 'son', 'ver', 'in', 'con', 'al', 'pro', 'ter', 'est', 'ous'];
  const syllable = (): string => syllables[Math.floor(random() * syllables.length)] ?? '';
  return Array.from({ length: count }, () => {
    const target = 60 + Math.floor(random() * 190);
    const words: string[] = [];
    for (let tokens = 0; ;) {
      const word = Array.from({ length: 1 + Math.floor(random() * 4) }, syllable).join('');
      tokens += tokenizer.count(word);
      if (tokens > target) return words.join(' ');
      words.push(word);
    }
  });
}
