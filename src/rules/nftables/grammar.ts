/**
 * Owns the allow-list of what may reach nft: every line of every text is checked here, whoever made it. A line that is not known is a bug and
 * nothing of the text is sent. Pure; written apart from the renderer, from the layout's description.
 */
import { SluiceError } from '../../errors.ts';
import { canonicalIp, type Family, parsePort } from '../../model/address.ts';
import { fixedChains, fixedSets, HOOKS, sentRule, SET_MARK } from './fixed-chains.ts';

const ENTRY = '(?:tcp|udp)-[0-9a-f._]{2,39}-[0-9]{1,5}';
const BLOCK = `${ENTRY}/[abc][0-9a-z]{1,4}`;
const INSTANCE = `${ENTRY}/[0-9a-f._]{2,39}-[0-9]{1,5}`;
const CHAIN = `(?:${BLOCK}|${INSTANCE}|${ENTRY})`;
const TURN = '(?:numgen inc mod [1-9][0-9]{0,9} (?:!= )?[0-9]{1,10}(?:-[0-9]{1,10})? )?';

const NAME = new RegExp(`^${CHAIN}$`);
const CLIENTS = new RegExp(`^${INSTANCE}$`);
const GOTO = new RegExp(`^${TURN}goto (${BLOCK}|${INSTANCE})$`);
const DNAT = new RegExp(`^${TURN}meta l4proto (?:6|17) dnat to (\\[?)([0-9a-f.:]{2,39})(\\]?):([0-9]{1,5})$`);
const SEEN = new RegExp(`^(ip6?) saddr @(${INSTANCE}) goto (${INSTANCE})$`);
const NOTE = new RegExp(`^update @(${INSTANCE}) \\{ (ip6?) saddr timeout [1-9][0-9]{0,8}s \\}$`);

interface Words {
  readonly family: Family;
  readonly ip: 'ip' | 'ip6';
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  /** Names of chains that were found good in this text. */
  readonly good: Set<string>;
}

const isIp = (text: string | undefined, { family }: Words): boolean =>
  text !== undefined && text.includes(':') === (family === 'ipv6') && canonicalIp(text) === text;

const isPort = (text: string | undefined): boolean => parsePort(text ?? '') !== undefined;
const ownerOf = (name: string | undefined): string => name?.split('/', 1)[0] ?? '';

/** `10.0.0.1-80` or `fd00__1-80`. */
function isAddressName(text: string, words: Words): boolean {
  const dash = text.lastIndexOf('-');
  return isIp(text.slice(0, dash).replaceAll('_', ':'), words) && isPort(text.slice(dash + 1));
}

function isChainName(name: string, words: Words): boolean {
  if (words.good.has(name)) return true;
  if (!NAME.test(name)) return false;
  const [entry = '', below] = name.split('/');
  const isBelow = below === undefined || !below.includes('-') || isAddressName(below, words);
  const isGood = isBelow && isAddressName(entry.slice(4), words);
  if (isGood) words.good.add(name);
  return isGood;
}

function isDnat(rule: string, words: Words): boolean {
  const [, open, ip, close, port] = DNAT.exec(rule) ?? [];
  const brackets = words.family === 'ipv6' ? '[]' : '';
  return `${open}${close}` === brackets && isIp(ip, words) && isPort(port);
}

/** A rule in the chain of an entry or below. */
function isEntryRule(chain: string, rule: string, words: Words): boolean {
  if (rule === SET_MARK || isDnat(rule, words)) return true;
  const owner = ownerOf(chain);
  const target = GOTO.exec(rule)?.[1];
  if (target !== undefined) return ownerOf(target) === owner && isChainName(target, words);
  const [, seenIp, set, to] = SEEN.exec(rule) ?? [];
  if (set !== undefined) return seenIp === words.ip && set === to && ownerOf(set) === owner;
  const [, noted, noteIp] = NOTE.exec(rule) ?? [];
  return noted === chain && noteIp === words.ip;
}

/** A rule in a chain whose name was found good. */
function isRule(chain: string, rule: string, words: Words): boolean {
  const fixed = fixedChains(words.family).get(chain);
  if (fixed !== undefined) return fixed.some((line) => sentRule(line) === rule) || HOOKS.get(chain) === rule;
  return isEntryRule(chain, rule, words);
}

/** `10.0.0.1 . 6 . 80` */
function isEntryKey(parts: readonly string[], words: Words): boolean {
  return isIp(parts[0], words) && (parts[1] === '6' || parts[1] === '17') && isPort(parts[2]);
}

/** An address twice: `10.0.0.1 . 10.0.0.1`. Without dividing it: there is one for every instance. */
function isPair(element: string, words: Words): boolean {
  const ip = element.slice(0, (element.length - 3) / 2);
  return element === `${ip} . ${ip}` && isIp(ip, words);
}

function isElement(set: string, element: string, words: Words): boolean {
  if (set === 'hairpin') return isPair(element, words);
  const [key = '', verdict] = element.split(' : ');
  const parts = key.split(' . ');
  if (!isEntryKey(parts, words)) return false;
  if (set === 'connections') return parts.length === 5 && isIp(parts[3], words) && isPort(parts[4]);
  if (parts.length !== 3) return false;
  return verdict === undefined || (verdict.startsWith('goto ') && isChainName(verdict.slice(5), words));
}

function isElements(text: string, words: Words): boolean {
  const [, set = '', list = ''] = /^(entries|hairpin|connections) \{ (.*) \}$/.exec(text) ?? [];
  return list !== '' && list.split(', ').every((element) => isElement(set, element, words));
}

const isOurChain = (name: string, words: Words): boolean =>
  fixedChains(words.family).has(name) || isChainName(name, words);

function isClientSet(text: string, words: Words): boolean {
  const [name = ''] = text.split(' ', 1);
  const isOurs = CLIENTS.test(name) && isChainName(name, words);
  return isOurs && text === `${name} { type ${words.type}; size 65535; flags dynamic,timeout; }`;
}

function isFixedSet(kind: string, text: string, words: Words): boolean {
  return [...fixedSets(words.family)].some(
    ([name, body]) => text === `${name} { ${body}; }` && kind === (name === 'entries' ? 'map' : 'set'),
  );
}

/** True for a line of the layout outside of blocks. */
function isLine(line: string, words: Words): boolean {
  const [, verb, kind = '', ip, rest] =
    /^(add|flush|delete) (table|map|set|chain|element) (ip6?) sluice(?: (.+))?$/.exec(line) ?? [];
  if (verb === undefined || ip !== words.ip) return false;
  if (kind === 'table') return rest === undefined && verb !== 'flush';
  if (rest === undefined) return false;
  if (verb === 'flush') return kind === 'chain' && isOurChain(rest, words);
  if (kind === 'element') return isElements(rest, words);
  if (verb === 'delete') {
    return kind === 'chain'
      ? isOurChain(rest, words)
      : kind === 'set' && CLIENTS.test(rest) && isChainName(rest, words);
  }
  return isFixedSet(kind, rest, words) || (kind === 'set' && isClientSet(rest, words));
}

/** Where in a block the reading is: in the table, or in a chain of it. */
type Place = 'outside' | 'table' | { readonly chain: string };

/** Where the reading is after a line; undefined for a line that may not stand there. */
function placeAfter(line: string, place: Place, words: Words): Place | undefined {
  if (place === 'outside') {
    if (line === `table ${words.ip} sluice {`) return 'table';
    return isLine(line, words) ? 'outside' : undefined;
  }
  if (place === 'table') {
    if (line === '}') return 'outside';
    const chain = /^chain (\S+) \{$/.exec(line)?.[1];
    return chain !== undefined && isOurChain(chain, words) ? { chain } : undefined;
  }
  if (line === '}') return 'table';
  return isRule(place.chain, line, words) ? place : undefined;
}

/**
 * Checks a transaction text line by line.
 * @param family addresses and tables of the other family are refused
 * @throws SluiceError `internal` naming the first line that is not known; nothing may be sent then
 */
export function assertNftText(text: string, family: Family): void {
  const words: Words =
    family === 'ipv4'
      ? { family, ip: 'ip', type: 'ipv4_addr', good: new Set() }
      : { family, ip: 'ip6', type: 'ipv6_addr', good: new Set() };
  const refuse = (line: string): never => {
    throw new SluiceError('internal', `a line for nft is not known: ${JSON.stringify(line.slice(0, 500))}`, {
      why: 'it is no line of the layout',
      details: { line: line.slice(0, 500), family },
    });
  };
  if (!text.endsWith('\n')) refuse(text);
  let place: Place = 'outside';
  for (const line of text.slice(0, -1).split('\n')) place = placeAfter(line, place, words) ?? refuse(line);
  if (place !== 'outside') refuse('a block that does not end');
}
