/** Settings that hold a value for each of several names: `NAME=VALUE,NAME=VALUE`. */
import { z } from 'zod';

/** Parses the list; each value by `value`. A name is given once. */
export function nameValueList<T>(value: z.ZodType<T>): z.ZodType<Readonly<Record<string, T>>, string> {
  return z.string().transform((text, context) => {
    const entries: [string, T][] = [];
    for (const part of text.split(',').filter((item) => item.trim() !== '')) {
      const at = part.indexOf('=');
      const name = part.slice(0, Math.max(0, at)).trim();
      const given = part.slice(at + 1).trim();
      const parsed = value.safeParse(given);
      if (name === '' || given === '' || !parsed.success || entries.some(([known]) => known === name)) {
        context.addIssue({ code: 'custom', message: 'has to be NAME=VALUE,NAME=VALUE with each name once' });
        return z.NEVER;
      }
      entries.push([name, parsed.data]);
    }
    return Object.fromEntries(entries);
  });
}
