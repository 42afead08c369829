/**
 * Owns the allow-list of what may reach `nft -f` for the guard: the frame word for word, and elements whose every part is checked. Pure;
 * apart from the frame written from the description of the sets, not from the renderer.
 */
import { SluiceError } from '../../errors.ts';
import { canonicalIp, parsePort } from '../../model/address.ts';
import { emptySets } from './guard-state.ts';
import { GUARD_REMOVAL, GUARD_TABLE, guardTable } from './guard-text.ts';

const FRAMES = [guardTable(emptySets(), false), guardTable(emptySets(), true)];
const LINE = new RegExp(
  `^(?:add|delete) element ${GUARD_TABLE} (entries|refused|addresses)([46]) \\{ (.+) \\}$`,
);
const ENTRY = /^([0-9a-f.:]{2,39}) \. (?:tcp|udp) \. ([0-9]{1,5})$/;

const isIp = (text: string, isIpv6: boolean): boolean =>
  canonicalIp(text) === text && text.includes(':') === isIpv6;

function isEntry(text: string, isIpv6: boolean): boolean {
  const [, ip = '', port = ''] = ENTRY.exec(text) ?? [];
  return isIp(ip, isIpv6) && parsePort(port) !== undefined;
}

function isElementLine(line: string): boolean {
  const [, set, family, elements = ''] = LINE.exec(line) ?? [];
  if (set === undefined) return false;
  const isElement = set === 'addresses' ? isIp : isEntry;
  return elements.split(', ').every((element) => isElement(element, family === '6'));
}

/**
 * Checks a text: the removal, or elements, with the frame in front or not.
 * @throws SluiceError `internal` naming the first line that is not known; nothing may be sent then
 */
export function assertGuardText(text: string): void {
  if (text === GUARD_REMOVAL) return;
  const frame = FRAMES.find((known) => text.startsWith(known)) ?? '';
  const rest = text.slice(frame.length);
  if (rest === '' && text !== '') return;
  const lines = rest.split('\n');
  const wrong = lines.slice(0, -1).find((line) => !isElementLine(line));
  if (wrong === undefined && lines.length > 1 && lines.at(-1) === '') return;
  const line = wrong ?? lines.at(-1) ?? '';
  throw new SluiceError('internal', `a line for nft is not known: ${JSON.stringify(line)}`, {
    why: 'it is no line of the guard',
    details: { line },
  });
}
