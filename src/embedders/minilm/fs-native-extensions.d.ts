/** What we use of `fs-native-extensions`, which has no types of its own. */
declare module 'fs-native-extensions' {
  /** Asks for an exclusive lock of the open file. It ends with the file's closing, or the process. */
  export function tryLock(fd: number): boolean;
}
