/** Owns what was typed after `rebalance`: services and bounds, checked. */
import { SluiceError } from '../../errors.ts';
import { parsePercent } from '../../model/percent.ts';
import { quoteValue } from '../../model/text.ts';
import type { RebalanceRequest } from '../../monitor/rebalance.ts';
import type { RebalanceOptions } from '../commands/rebalance.ts';
import { serviceNamed } from './unpublish.ts';

const MAX_MOVES = 2;
const MIN_GAIN = 0.1;
const MIN_AGE_MS = 10 * 60_000;

/** @throws SluiceError `usage` */
function movesOf(text: string | undefined): number {
  if (text === undefined) return MAX_MOVES;
  if (/^(0|[1-9][0-9]{0,2})$/.test(text)) return Number(text);
  throw new SluiceError('usage', `--max-moves: ${quoteValue(text)} is not a number of moves`, {
    why: 'it takes a whole number from 0 to 999',
    fix: 'write for example --max-moves 1',
    details: { flag: '--max-moves', value: text.slice(0, 80) },
  });
}

/** Names, or all of them. @throws SluiceError `usage`, `invalid-spec` */
function servicesOf(words: readonly string[], all: boolean): RebalanceRequest['services'] {
  if (all === words.length > 0) {
    throw new SluiceError(
      'usage',
      all ? '--all and names of services exclude each other' : 'which services?',
      {
        why: 'rebalance takes names of services, or --all',
        fix: 'write for example sluice rebalance --all --dry-run',
      },
    );
  }
  return all ? undefined : new Set(words.map(serviceNamed));
}

/** The request. @throws SluiceError `usage`, `invalid-spec` */
export function rebalanceRequest(
  words: readonly string[],
  options: RebalanceOptions,
): Omit<RebalanceRequest, 'watchMs'> {
  const { maxMoves, minGain, minAge, all } = options;
  return {
    services: servicesOf(words, all === true),
    maxMoves: movesOf(maxMoves),
    minGain: minGain === undefined ? MIN_GAIN : parsePercent(minGain, '--min-gain'),
    minAgeMs: minAge ?? MIN_AGE_MS,
  };
}
