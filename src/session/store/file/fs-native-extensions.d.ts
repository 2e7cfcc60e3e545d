/** The one function that is used of a package without types: an advisory lock that the kernel releases. */
declare module 'fs-native-extensions' {
  /** Whether an exclusive lock on the whole file was granted (Linux: an open file description lock). */
  export function tryLock(fd: number): boolean;
}
