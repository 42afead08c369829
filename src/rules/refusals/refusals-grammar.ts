/**
 * Owns the allow-list of what may reach `nft -f` for held refusals: the frame word for word, and elements whose every part is checked. Pure; apart
 * from the frame written from the description of the sets, not from the renderer.
 */
import { SluiceError } from '../../errors.ts';
import { canonicalIp, parsePort } from '../../model/address.ts';
import { REFUSALS_FRAME, REFUSALS_REMOVAL, REFUSALS_TABLE } from './refusals-text.ts';

const LINE = new RegExp(`^add element ${REFUSALS_TABLE} instances([46]) \\{ (.+) \\}$`);
const ELEMENT = /^([0-9a-f.:]{2,39}) \. ([0-9]{1,5})$/;

function isElement(text: string, isIpv6: boolean): boolean {
  const [, ip = '', port = ''] = ELEMENT.exec(text) ?? [];
  return canonicalIp(ip) === ip && ip.includes(':') === isIpv6 && parsePort(port) !== undefined;
}

function isElementLine(line: string): boolean {
  const [, family, elements = ''] = LINE.exec(line) ?? [];
  return family !== undefined && elements.split(', ').every((element) => isElement(element, family === '6'));
}

/**
 * Checks a text: the removal, or the table whole with its elements.
 * @throws SluiceError `internal` naming what is not known; nothing may be sent then
 */
export function assertRefusalsText(text: string): void {
  if (text === REFUSALS_REMOVAL) return;
  const isWhole = text.startsWith(REFUSALS_FRAME) && text.endsWith('\n');
  const lines = isWhole ? text.slice(REFUSALS_FRAME.length).split('\n').slice(0, -1) : [text];
  const wrong = lines.find((line) => !isElementLine(line));
  if (wrong === undefined && isWhole) return;
  const line = wrong ?? text;
  throw new SluiceError('internal', `a line for nft is not known: ${JSON.stringify(line)}`, {
    why: 'it is no line of the table of held refusals',
    details: { line },
  });
}
