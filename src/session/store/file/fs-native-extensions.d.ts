/** The one function that is used of a package without types: an advisory lock that the kernel releases. */
declare module 'fs-native-extensions' {
  /** Whether a lock on the whole file was granted (Linux: an open file description lock): an exclusive one, or a shared one. */
  export function tryLock(fd: number, options?: { shared: boolean }): boolean;
}
