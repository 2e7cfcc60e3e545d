/**
 * The figures that have an aim, as a picture (SVG). Above: ratios that should be at least so much, longer is better. Below:
 * how much of what is allowed was used, shorter is better. Each bar is as long as its figure is beside its aim.
 */

import { type Aim, type Figure, isMet } from '../figure.js';
import { aimText, inUnit, rounded } from './table.js';

const WIDTH = 960;
const LABEL_WIDTH = 410;
const BAR_WIDTH = 360;
const ROW_HEIGHT = 42;
const BAR_HEIGHT = 18;
const MARGIN = 24;
const TITLE_HEIGHT = 52;
const PANEL_HEAD = 46;
/** The longest bar, as a multiple of the aim: what is beyond is cut off, and its number tells. */
const LONGEST = 1.6;
const COLOURS = {
  met: '#2f7d5b',
  missed: '#c2542d',
  track: '#eef0f2',
  aim: '#1c2733',
  text: '#1c2733',
  quiet: '#66727f',
};

interface Bar {
  readonly label: string;
  /** What it is divided by, where the aim is one of a ratio. */
  readonly beside: string;
  /** How much of the aim was reached, or used: 1 is the aim. */
  readonly part: number;
  readonly met: boolean;
  readonly value: string;
}

export function asChart(figures: readonly Figure[], subtitle: string): string {
  const bars = (relation: Aim['relation']) =>
    figures.flatMap((figure) =>
      figure.aims.filter((aim) => aim.relation === relation).flatMap((aim) => barOf(figure, aim)),
    );
  const panels = [
    { title: 'Compared with its floor: longer is better, the line is the aim', bars: bars('at least') },
    { title: 'Of what is allowed: shorter is better, the line is the limit', bars: bars('at most') },
  ].filter((panel) => panel.bars.length > 0);
  let y = TITLE_HEIGHT + MARGIN;
  const parts: string[] = [];
  for (const panel of panels) {
    parts.push(text(MARGIN, y + 16, panel.title, 'font-size="15" font-weight="600"'));
    y += PANEL_HEAD;
    for (const bar of panel.bars) {
      parts.push(draw(bar, y));
      y += ROW_HEIGHT;
    }
    y += MARGIN / 2;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + MARGIN}" width="${WIDTH}" height="${y + MARGIN}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Benchmark results against their aims">
<rect width="100%" height="100%" fill="#ffffff"/>
${text(MARGIN, 34, 'impact-session: measured against the aims', 'font-size="19" font-weight="600"')}
${text(MARGIN, 56, subtitle, `font-size="12"`, COLOURS.quiet)}
${parts.join('\n')}
</svg>
`;
}

function barOf(figure: Figure, aim: Aim): Bar[] {
  const sample = figure[aim.of];
  if (!sample) return [];
  const met = isMet({ ...figure, aims: [aim] }) === true;
  const found = aim.of === 'ratio' ? `${rounded(sample.median)}×` : inUnit(sample.median, figure.unit);
  const value = `${found}  (aim ${aimText(aim, figure.unit)})`;
  const beside = aim.of === 'ratio' ? `÷ ${figure.comparedWith?.what}` : '';
  return [{ label: figure.what, beside, part: sample.median / aim.value, met, value }];
}

function draw({ label, beside, part, met, value }: Bar, y: number): string {
  const scale = BAR_WIDTH / LONGEST;
  const left = MARGIN + LABEL_WIDTH;
  const length = Math.max(2, Math.min(part, LONGEST) * scale);
  const top = y - BAR_HEIGHT / 2;
  const aim = left + scale;
  return [
    text(MARGIN, beside ? y - 3 : y + 4, label),
    beside ? text(MARGIN, y + 13, beside, 'font-size="11"', COLOURS.quiet) : '',
    `<rect x="${left}" y="${top}" width="${BAR_WIDTH}" height="${BAR_HEIGHT}" rx="3" fill="${COLOURS.track}"/>`,
    `<rect x="${left}" y="${top}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="3" fill="${met ? COLOURS.met : COLOURS.missed}"/>`,
    `<line x1="${aim}" y1="${top - 4}" x2="${aim}" y2="${top + BAR_HEIGHT + 4}" stroke="${COLOURS.aim}" stroke-width="2"/>`,
    text(left + BAR_WIDTH + 10, y + 4, value),
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = '', fill = COLOURS.text): string {
  return `<text x="${x}" y="${y}" fill="${fill}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
