/** Owns the load generator as a process: spec as JSON on stdin, result as JSON on stdout, SIGTERM ends the run early. */
import { text } from 'node:stream/consumers';
import { SluiceError } from '../../errors.ts';
import { generateLoad } from './generate.ts';
import type { LoadSpec } from './outcome.ts';

/** What it says on stderr when its first attempt is about to begin; from then on SIGTERM ends the run with a result. */
export const STARTED = 'started\n';

/** Reads the spec, runs it, writes the result. The writer of the spec is `startLoad`, so only its form is checked here. */
export async function runLoadWorker(): Promise<void> {
  const stop = new AbortController();
  const onTerm = (): void => {
    stop.abort();
  };
  process.on('SIGTERM', onTerm);
  const input = await text(process.stdin);
  const spec = parseSpec(input);
  process.stderr.write(STARTED);
  const result = await generateLoad(spec, { signal: stop.signal });
  process.off('SIGTERM', onTerm);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function parseSpec(input: string): LoadSpec {
  const spec: unknown = JSON.parse(input);
  if (isSpec(spec)) return spec;
  throw new SluiceError('usage', 'the load worker got no load spec on its stdin');
}

function isSpec(value: unknown): value is LoadSpec {
  if (typeof value !== 'object' || value === null) return false;
  return ['host', 'port', 'pace', 'count', 'durationMs'].every((key) => key in value);
}
