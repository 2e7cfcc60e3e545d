/** Figures as text: columns below each other for people, tabs for programs. */

import { columns } from '../../dist/cli/text.js';
import { type Aim, type Figure, isMet, type Sample, type Unit } from '../figure.js';

export function asTable(figures: readonly Figure[]): string {
  const head = ['', 'measured', 'from – to', 'compared with', '', 'ratio', 'aim', ''];
  const rows = figures.map((figure) => {
    const { what, unit, measured, comparedWith, ratio, aims, note } = figure;
    if (!measured) return [what, '-', '', '', '', '', '', note ?? 'not available'];
    return [
      what,
      inUnit(measured.median, unit),
      range(measured, unit),
      comparedWith ? inUnit(comparedWith.median, unit) : '',
      comparedWith?.what ?? '',
      ratio ? rounded(ratio.median) : '',
      aims.map((aim) => aimText(aim, unit)).join(', '),
      [verdict(figure), note].filter(Boolean).join('; '),
    ];
  });
  return `${columns([head, ...rows]).join('\n')}\n`;
}

export function asTabs(figures: readonly Figure[]): string {
  const head = 'name unit measured min max compared_with compared ratio aim met note'.split(' ');
  const rows = figures.map((figure) => {
    const { name, unit, measured, comparedWith, ratio, aims, note } = figure;
    const limits = measured
      ? [Math.min(...measured.rounds), Math.max(...measured.rounds)]
      : [undefined, undefined];
    return [
      name,
      unit,
      plain(measured?.median),
      ...limits.map(plain),
      comparedWith?.what ?? '',
      plain(comparedWith?.median),
      plain(ratio?.median),
      aims.map((aim) => aimText(aim, unit)).join(', '),
      verdict(figure),
      note ?? '',
    ];
  });
  return [head, ...rows].map((row) => `${row.join('\t')}\n`).join('');
}

function verdict(figure: Figure): string {
  const met = isMet(figure);
  return met === undefined ? '' : met ? 'met' : 'missed';
}

export function aimText({ of, relation, value }: Aim, unit: Unit): string {
  const sign = relation === 'at least' ? '≥' : '≤';
  return of === 'ratio' ? `${sign} ${value}×` : `${sign} ${inUnit(value, unit)}`;
}

export function inUnit(value: number, unit: Unit): string {
  return unit === '/s' ? `${rounded(value)}/s` : `${rounded(value)} ${unit}`;
}

/** Three digits that matter; whole numbers from 100 on. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

function range({ rounds }: Sample, unit: Unit): string {
  if (rounds.length < 2) return '';
  return `${rounded(Math.min(...rounds))} – ${inUnit(Math.max(...rounds), unit)}`;
}

function plain(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '' : String(Number(value.toPrecision(5)));
}
