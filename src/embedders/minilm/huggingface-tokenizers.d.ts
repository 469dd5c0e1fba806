/**
 * What we use of `@huggingface/tokenizers`. Its own declarations import each other without file
 * extensions, which TypeScript's NodeNext resolution does not follow, leaving every type `any`.
 */
declare module '@huggingface/tokenizers' {
  export class BertNormalizer {
    normalize(text: string): string;
  }
  export class BertPreTokenizer {
    pre_tokenize_text(text: string): string[];
  }
  export class Tokenizer {
    constructor(tokenizer: object, config: object);
    readonly normalizer: object | null;
    readonly pre_tokenizer: object | null;
    encode(text: string, options?: { readonly add_special_tokens?: boolean }): { readonly ids: number[] };
    get_vocab(): Map<string, number>;
    get_added_tokens_decoder(): Map<number, { readonly content: string }>;
  }
}
