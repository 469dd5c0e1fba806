/** Warnings for people. They go where errors go, so that what is piped on is the answer alone. */
import { printLine, type Output } from './context.js';
import { oneLine, paint } from './text.js';

/** @param stderr where they are shown; JSON keeps them with the answer instead */
export function showWarnings(stderr: Output, warnings: readonly { readonly message: string }[]): void {
  for (const { message } of warnings) {
    printLine(stderr, `${paint(stderr, 'yellow', 'warning:')} ${oneLine(message)}`);
  }
}
