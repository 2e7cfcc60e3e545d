/** What is measured: figures with what they are compared with and what they should be. Pure. */

export type Unit = '/s' | 'ms' | 's' | 'MB' | 'kB';

/** What a figure, or its ratio to what it is compared with, should be. */
export interface Aim {
  readonly of: 'measured' | 'ratio';
  readonly relation: 'at least' | 'at most';
  readonly value: number;
}

export interface Sample {
  readonly median: number;
  /** Each round's. */
  readonly rounds: readonly number[];
}

export interface Figure {
  readonly name: string;
  /** What it is, for people. */
  readonly what: string;
  readonly unit: Unit;
  /** Absent where it could not be measured: `note` says why. */
  readonly measured?: Sample;
  /** What it is compared with, measured in the same rounds. */
  readonly comparedWith?: Sample & { readonly what: string };
  /** Of each round, and their median. */
  readonly ratio?: Sample;
  readonly aims: readonly Aim[];
  readonly note?: string;
}

/** The middle of what was measured: one round that was disturbed changes nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}

/** By nearest rank. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

export function sampleOf(rounds: readonly number[]): Sample {
  return { median: median(rounds), rounds };
}

export function ratioOf(measured: readonly number[], comparedWith: readonly number[]): Sample {
  return sampleOf(measured.map((value, round) => value / (comparedWith[round] as number)));
}

/** Whether a figure is as it should be; `undefined` where it has no aim or was not measured. */
export function isMet(figure: Figure): boolean | undefined {
  const values = figure.aims.map((aim) => [aim, figure[aim.of]?.median] as const);
  if (values.length === 0 || values.some(([, value]) => value === undefined)) return undefined;
  return values.every(([{ relation, value }, found]) =>
    relation === 'at least' ? (found as number) >= value : (found as number) <= value,
  );
}

export const atLeast = (value: number): Aim => ({ of: 'ratio', relation: 'at least', value });
export const ratioAtMost = (value: number): Aim => ({ of: 'ratio', relation: 'at most', value });
export const atMost = (value: number): Aim => ({ of: 'measured', relation: 'at most', value });
