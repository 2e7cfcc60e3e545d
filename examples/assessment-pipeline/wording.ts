/**
 * Numbers in sentences. Pure.
 */

/** `1 commit`, `2 commits`, `2 stories`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
