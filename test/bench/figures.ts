/** Owns the table of measured figures: printed, and kept in docs/benchmarks.md, one section a benchmark. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../docs/benchmarks.md');

const HEAD = `# Benchmarks

Written by \`npm run bench\` and \`npm run bench:dataplane\`; medians unless it says otherwise. Absolute times depend on the machine; ratios much less.
`;

/** One measured figure. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly met: boolean;
}

function section(title: string, figures: readonly Figure[], more: string): string {
  const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'cpu'}, Linux ${release()}`;
  const rows = figures.map(
    ({ what, measured, target, met }) => `| ${what} | ${measured} | ${target} | ${met ? 'yes' : '**no**'} |`,
  );
  return [
    `## ${title}`,
    '',
    machine,
    '',
    '| figure | measured | target | met |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    ...(more === '' ? [] : [more]),
  ].join('\n');
}

function missed(figures: readonly Figure[]): readonly string[] {
  return figures
    .filter(({ met }) => !met)
    .map(({ what, measured, target }) => `${what}: ${measured}, not ${target}`);
}

/**
 * Prints the figures, e.g. of a benchmark of which only a part was run.
 * @returns what was missed
 */
export function printFigures(title: string, figures: readonly Figure[], more = ''): readonly string[] {
  process.stdout.write(`\n${section(title, figures, more)}\n`);
  return missed(figures);
}

/**
 * Prints the figures and puts them into docs/benchmarks.md in place of those measured before under this title.
 * @param more Markdown to stand below them, e.g. a table of all that was measured
 * @returns what was missed, for the benchmark to fail on
 */
export function recordFigures(title: string, figures: readonly Figure[], more = ''): readonly string[] {
  const fresh = section(title, figures, more);
  process.stdout.write(`\n${fresh}\n`);
  let text = HEAD;
  try {
    text = readFileSync(FILE, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const [head = HEAD, ...sections] = text.split(/^(?=## )/m);
  const others = sections.filter((other) => !other.startsWith(`## ${title}\n`));
  const all = [...others.map((other) => `${other.trimEnd()}\n`), fresh].toSorted((a, b) => (a < b ? -1 : 1));
  writeFileSync(FILE, [`${head.trimEnd()}\n`, ...all].join('\n'));
  return missed(figures);
}
