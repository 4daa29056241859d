/** Memory, idle processor time and latency against the number of mailboxes, as one SVG of three panels. */

import type { Latency } from './latency.ts';
import type { Live } from './live.ts';

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly number[];
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

const WIDTH = 300;
const HEIGHT = 200;
const LEFT = 52;
const TOP = 64;
const GAP = 66;
const TICKS = 4;
const BLUE = '#2a6fbb';
/** Of a rate, and of the same rate's slowest. */
const COLOURS = [BLUE, '#9dbfe3', '#c2452d', '#e3a99d'];
const GREY = '#555';

/** `head`: date, commit and hardware, since a picture is copied without its page. */
export function scaleChart(measured: readonly Live[], head: string): string {
  const sizes = measured.map(({ mailboxes }) => mailboxes);
  const rates = Object.keys(measured[0]?.latencyMs ?? {});
  const of = (value: (latency: Latency) => number, rate: string) =>
    measured.map(({ latencyMs }) => {
      const latency = latencyMs[rate];
      return latency === undefined ? 0 : value(latency);
    });
  const colour = (index: number, isPale = false) => COLOURS[(2 * index + (isPale ? 1 : 0)) % COLOURS.length] ?? BLUE;
  const panels: readonly Panel[] = [
    {
      title: 'on their cards while mail comes, mails/s',
      lines: rates.map((rate, index) => ({
        name: `${rate}/s sent`,
        colour: colour(index),
        values: of(({ perSecond }) => perSecond, rate),
      })),
    },
    {
      title: 'from the 250 to the card, ms',
      lines: rates.flatMap((rate, index) => [
        { name: `${rate}/s, half`, colour: colour(index), values: of(({ delivered }) => delivered.p50, rate) },
        { name: `${rate}/s, 99 %`, colour: colour(index, true), values: of(({ delivered }) => delivered.p99, rate) },
      ]),
    },
    {
      title: 'worker, MB resident',
      lines: [{ name: '', colour: BLUE, values: measured.map((live) => live.residentMb) }],
    },
    {
      title: 'worker idle, % of a processor',
      lines: [{ name: '', colour: BLUE, values: measured.map((live) => live.idleCpuPercent) }],
    },
  ];
  const width = LEFT + panels.length * (WIDTH + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${TOP + HEIGHT + 56}" font-family="sans-serif" font-size="12">`,
    '<title>Throughput, latency, memory and idle processor time of one worker, by mailboxes</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    text(LEFT, 22, `One worker, by mailboxes. ${head}`, GREY),
    ...panels.map((panel, index) => panelOf(panel, sizes, LEFT + index * (WIDTH + GAP))),
    '</svg>',
    '',
  ].join('\n');
}

function panelOf({ title, lines }: Panel, sizes: readonly number[], left: number): string {
  const top = ceilingOf(Math.max(...lines.flatMap(({ values }) => values)));
  const widest = Math.max(...sizes);
  const x = (size: number) => left + (WIDTH * size) / widest;
  const y = (value: number) => TOP + HEIGHT - (HEIGHT * value) / top;
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => (top * index) / TICKS);
  return [
    text(left, TOP - 14, title, '#111'),
    ...ticks.map(
      (tick) =>
        `<path d="M${left} ${y(tick)}h${WIDTH}" stroke="#ddd"/>${text(left - 6, y(tick) + 4, short(tick), GREY, 'end')}`,
    ),
    ...sizes.map((size) => text(x(size), TOP + HEIGHT + 18, size.toLocaleString('en'), GREY, 'middle')),
    text(left + WIDTH / 2, TOP + HEIGHT + 38, 'mailboxes', GREY, 'middle'),
    ...lines.map(({ colour, values }) =>
      lineOf(
        values.map((value, index) => [x(sizes[index] ?? 0), y(value)]),
        colour,
      ),
    ),
    ...lines.map(({ name, colour }, index) => text(left + 10, TOP + 16 + 16 * index, name, colour)),
  ].join('\n');
}

function lineOf(points: readonly (readonly number[])[], colour: string): string {
  const path = points.map(([x = 0, y = 0]) => `${x.toFixed(1)},${y.toFixed(1)}`);
  const dots = points.map(
    ([x = 0, y = 0]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`,
  );
  return `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`;
}

/** The next 1, 2, 4 or 8 of its power of ten: four ticks that can be read. */
function ceilingOf(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return (([1, 2, 4, 8, 10] as const).find((step) => step * power >= value) ?? 10) * power;
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en');
}

function text(x: number, y: number, words: string, colour: string, anchor = 'start'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${colour}" text-anchor="${anchor}">${words}</text>`;
}
