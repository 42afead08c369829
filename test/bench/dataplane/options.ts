/** Owns what of the benchmark is run; everything unless the environment says otherwise, for trying things out. */

const list = (name: string, all: readonly string[]): readonly string[] =>
  process.env[name]?.split(',').map((word) => word.trim()) ?? all;

/** Numbers of services, ascending; the last is the one that targets speak of. `DATAPLANE_SIZES=10,1000`. */
export const SIZES: readonly number[] = list('DATAPLANE_SIZES', ['10', '1000', '10000'])
  .map(Number)
  .toSorted((a, b) => a - b);

/** The largest of them. */
export const LARGEST = SIZES.at(-1) ?? 0;

/** Groups of figures: `DATAPLANE_FIGURES=latency,rate,programming,spread`. */
export const FIGURES: readonly string[] = list('DATAPLANE_FIGURES', [
  'latency',
  'rate',
  'programming',
  'spread',
]);

/** Whether a contender takes part: `DATAPLANE_CONTENDERS='Sluice nftables,kube-proxy nftables'`; the two that forward only always do. */
export function takesPart(name: string): boolean {
  const named = list('DATAPLANE_CONTENDERS', []);
  return named.length === 0 || named.includes(name);
}

/** Rounds of interleaved batches of connections. */
export const ROUNDS = Number(process.env['DATAPLANE_ROUNDS'] ?? 60);

/** Connections of which the spread is counted. */
export const SPREAD = Number(process.env['DATAPLANE_SPREAD'] ?? 30_000);

/** Whether nothing was left out. */
export const IS_WHOLE = Object.keys(process.env).every((name) => !name.startsWith('DATAPLANE_'));
