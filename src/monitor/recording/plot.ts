/** Owns the plot of a replay as SVG: for each service the number of instances over time, recorded and replayed, above their load. Pure. */
import type { ReplayPoint } from './replay.ts';

const WIDTH = 960;
const PANEL = 220;
const LEFT = 60;
const RIGHT = 60;
const TOP = 34;
const BOTTOM = 30;
/** More points than this cannot be told apart. */
const MOST_POINTS = 1_200;

const COLORS = { recorded: '#888888', replayed: '#1f6fb2', want: '#e08a1e', cpu: '#d9e8d2' } as const;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const number = (value: number): string => String(Math.round(value * 10) / 10);

/** What a panel is drawn with. */
interface Scale {
  readonly x: (ms: number) => number;
  /** Of a number of instances. */
  readonly y: (count: number) => number;
  /** Of a use of processors, 0 to 1. */
  readonly yCpu: (cpu: number) => number;
  readonly most: number;
}

function scaleOf(points: readonly ReplayPoint[], top: number): Scale {
  const [fromMs, toMs] = [points[0]?.ms ?? 0, points.at(-1)?.ms ?? 0];
  const counts = points.flatMap(({ recorded, outcome }) => [recorded, outcome.final, outcome.want]);
  const most = Math.max(
    1,
    counts.reduce((max, count) => Math.max(max, count), 0),
  );
  const [floor, height] = [top + PANEL - BOTTOM, PANEL - TOP - BOTTOM];
  const span = Math.max(1, toMs - fromMs);
  return {
    x: (ms) => LEFT + ((ms - fromMs) / span) * (WIDTH - LEFT - RIGHT),
    y: (count) => floor - (count / most) * height,
    yCpu: (cpu) => floor - Math.min(1, cpu) * height,
    most,
  };
}

/** A line that keeps its height until the next point. */
function steps(points: readonly ReplayPoint[], { x, y }: Scale, of: (point: ReplayPoint) => number): string {
  return points
    .map((point, index) => {
      const [at, height] = [number(x(point.ms)), number(y(of(point)))];
      return index === 0 ? `M${at} ${height}` : `H${at}V${height}`;
    })
    .join('');
}

/** The area below the use of processors; nothing where it is not known. */
function area(points: readonly ReplayPoint[], { x, yCpu }: Scale): string {
  const known = points.filter(({ cpu }) => cpu !== undefined);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return '';
  const line = known.map(({ ms, cpu }) => `L${number(x(ms))} ${number(yCpu(cpu ?? 0))}`).join('');
  return `M${number(x(first.ms))} ${number(yCpu(0))}${line}L${number(x(last.ms))} ${number(yCpu(0))}Z`;
}

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${number(x)}" y="${number(y)}"${more}>${escaped(words)}</text>`;

/** Evenly thinned, the last one kept. */
function thinned(points: readonly ReplayPoint[]): readonly ReplayPoint[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, index) => index % every === 0 || index === points.length - 1);
}

function legend(top: number): readonly string[] {
  const words = { recorded: 'recorded', want: 'wanted', replayed: 'decided', cpu: 'use of processors' };
  return Object.entries(words).map(([name, word], index) =>
    text(
      LEFT + 300 + index * 110,
      top + 20,
      word,
      ` fill="${name === 'cpu' ? '#6b9a57' : COLORS[name === 'recorded' || name === 'want' ? name : 'replayed']}"`,
    ),
  );
}

function panel(service: string, all: readonly ReplayPoint[], top: number): readonly string[] {
  const points = thinned(all);
  const scale = scaleOf(points, top);
  const [first, last] = [points[0], points.at(-1)];
  const floor = scale.y(0);
  const line = (
    name: 'recorded' | 'want' | 'replayed',
    of: (point: ReplayPoint) => number,
    width: number,
  ): string =>
    `<path d="${steps(points, scale, of)}" fill="none" stroke="${COLORS[name]}" stroke-width="${width}"/>`;
  return [
    text(LEFT, top + 20, service, ' font-weight="bold"'),
    ...legend(top),
    `<path d="${area(points, scale)}" fill="${COLORS.cpu}"/>`,
    `<path d="M${LEFT} ${number(scale.y(scale.most))}V${number(floor)}H${WIDTH - RIGHT}" fill="none" stroke="#444444"/>`,
    line('want', ({ outcome }) => outcome.want, 1),
    line('recorded', ({ recorded }) => recorded, 2),
    line('replayed', ({ outcome }) => outcome.final, 2),
    text(LEFT - 8, scale.y(scale.most) + 4, String(scale.most), ' text-anchor="end"'),
    text(LEFT - 8, floor + 4, '0', ' text-anchor="end"'),
    text(WIDTH - RIGHT + 8, scale.yCpu(1) + 4, '100%'),
    text(LEFT, floor + 18, first?.at ?? ''),
    text(WIDTH - RIGHT, floor + 18, last?.at ?? '', ' text-anchor="end"'),
  ];
}

/** The plot. @param points of all services, in the order of time */
export function plotOf(points: readonly ReplayPoint[]): string {
  const names = [...new Set(points.map(({ service }) => service))].toSorted();
  const height = Math.max(1, names.length) * PANEL;
  const panels = names.flatMap((name, index) =>
    panel(
      name,
      points.filter(({ service }) => service === name),
      index * PANEL,
    ),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}
