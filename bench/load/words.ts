/** Seeded texts of made-up words that fall as a language's do: few words are common, most are rare. */

const VOCABULARY = 20_000;
/** Words that only one topic uses. */
const TOPIC_WORDS = 40;
const TOPIC_SHARE = 0.25;
const SYLLABLES = [
  'ba',
  'de',
  'fi',
  'go',
  'ku',
  'la',
  'me',
  'ni',
  'po',
  'ru',
  'sa',
  'te',
  'vi',
  'zo',
] as const;

export interface WordDrawer {
  /** A text about that topic. */
  text(topic: number, words: number): string;
}

export function createWordDrawer(random: () => number): WordDrawer {
  const int = (below: number): number => Math.floor(random() * below);
  // Zipf's law with exponent 1, near enough: the rank's logarithm is spread evenly.
  const common = (): string => wordOf(Math.floor(VOCABULARY ** random()) - 1);
  const own = (topic: number): string => wordOf(VOCABULARY + topic * TOPIC_WORDS + int(TOPIC_WORDS));
  return {
    text: (topic, words) =>
      Array.from({ length: words }, () => (random() < TOPIC_SHARE ? own(topic) : common())).join(' '),
  };
}

/** The same word for the same number, and another one for any other. */
function wordOf(number: number): string {
  let word = '';
  for (let rest = number + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) {
    word += SYLLABLES[rest % SYLLABLES.length] ?? '';
  }
  return word;
}
