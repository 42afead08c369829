/** Owns the body of `why`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import type { Decision } from '../../model/decision.ts';
import { explainScaling } from '../../model/scaling-words.ts';
import { formatShare } from '../../model/share.ts';
import { plainText, quoteValue } from '../../model/text.ts';
import { whyOf, type Why } from '../../ops/why.ts';
import type { WhyOptions } from '../commands/why.ts';
import { writeListing } from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';
import { warnInvalid } from './list.ts';
import { serviceNamed } from './unpublish.ts';

const DEFAULT_LAST = 10;

/** @throws SluiceError `usage` */
function countOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LAST;
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw new SluiceError('usage', `--last: ${quoteValue(text)} is not a number of decisions`, {
    why: 'it takes a whole number from 1',
    fix: 'write for example --last 20',
    details: { flag: '--last', value: text.slice(0, 80) },
  });
}

function decisionLines({ scaling, ...decision }: Decision): readonly string[] {
  const { at, service, what, why, done, by } = decision;
  if (scaling !== undefined) return explainScaling({ at, service, what, why, done, by, scaling });
  return [`${at}  ${done ? what : `not done: ${what}`} (decided on ${by})`, `  because: ${why}`];
}

function weightLines({ weights }: Why): readonly string[] {
  if (weights === undefined) return [];
  const shares = Object.entries(weights.shares).map(([id, share]) => `${id} ${formatShare(share)}`);
  return [`${weights.at}  weights: ${shares.join(', ')}`, `  because: ${weights.why}`];
}

function whyText(found: Why): string {
  const { service, policy, replicas, pin, leader, decisions } = found;
  const count = replicas === undefined ? '' : `, ${replicas} asked for`;
  const pinned = pin === undefined ? '' : `, pinned to ${pin.replicas} until ${pin.until}`;
  const head = `${service}: ${policy}${count}${pinned}; ${leader === undefined ? 'no monitor leads: nothing is decided' : `${leader} decides`}`;
  const lines = [head, ...weightLines(found), ...decisions.flatMap(decisionLines)];
  if (decisions.length === 0) lines.push('no decision within a day');
  return lines.map((line) => `${line.startsWith(' ') ? '  ' : ''}${plainText(line, 2_000)}\n`).join('');
}

/** Shows what was decided. */
export async function whyBody(session: Session, service: string, options: WhyOptions): Promise<ResultCode> {
  const count = countOf(options.last);
  const deps = await readDeps(session);
  const found = await whyOf(deps, serviceNamed(service), { count, signal: session.signal });
  warnInvalid(session, found.invalid);
  await writeListing<Why>(session, {
    kind: 'WhyList',
    revision: found.revision,
    items: [found.why],
    name: (why) => `service/${why.service}`,
    json: (why) => why,
    columns: [],
    text: () => whyText(found.why),
  });
  return 'ok';
}
