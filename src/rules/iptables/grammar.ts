/**
 * Owns the allow-list of what may reach iptables-restore: every line of every text is checked here, whoever made it. A line that is not
 * known is a bug and nothing of the text is sent. Pure; written apart from the renderer, from the layout's description.
 */
import { SluiceError } from '../../errors.ts';
import { canonicalIp, type Family, parsePort } from '../../model/address.ts';
import { hairpinBytecode, MASQUERADE_MARK } from './fixed-chains.ts';

const S = 'SLUICE-S-[0-9a-v]{13}';
const BLOCK = `${S}-[abc][0-9a-z]{1,4}`;
const TRIE = 'SLUICE-T-[0-9a-v]{13}';
const NODE = `(?:SLUICE-(?:TCP|UDP)|${TRIE})`;
const MARK = 'SLUICE-NEW-(?:TABLE|PREROUTING|INPUT|OUTPUT|POSTROUTING)';
const NAME = `(?:SLUICE-(?:ENTRIES|POST)|${NODE}|${BLOCK}|${S}|${MARK})`;
const PORT_MATCH = '-p (?:tcp -m tcp|udp -m udp) --dport';
const STATISTIC = '(?: -m statistic --mode random --probability 0\\.[0-9]{11})?';
const CLIENTS = '--name SLUICE-R-[0-9a-v]{13} --mask (?:255\\.255\\.255\\.255|ffff(?::ffff){7}) --rsource';
const NOTE = `(?: -m recent --set ${CLIENTS})?`;
const SEEN = ` -m recent --update --seconds [1-9][0-9]{0,8} --reap ${CLIENTS}`;
const IP = '([0-9a-f.:]{2,39})';

const DECLARE = new RegExp(`^:(${NAME}) - \\[0:0\\]$`);
const DELETE = new RegExp(`^-X (${NAME})$`);
const HOOK = /^-[ID] (?:PREROUTING -j SLUICE-ENTRIES|OUTPUT -j SLUICE-ENTRIES|POSTROUTING -j SLUICE-POST)$/;
const APPEND = new RegExp(`^-A (${NAME}) `);
const TO_PREFIX = new RegExp(`^-A ${NODE} -d ${IP}/([1-9][0-9]{0,2}) -g ${TRIE}$`);
const TO_PORTS = new RegExp(`^-A ${NODE} ${PORT_MATCH} ([0-9]{1,5}):([0-9]{1,5}) -g ${TRIE}$`);
const TO_SERVICE = new RegExp(`^-A ${NODE} -d ${IP}/(32|128) ${PORT_MATCH} ([0-9]{1,5}) -g ${S}$`);
const SET_MARK = new RegExp(`^-A ${S} -j MARK --set-xmark ${MASQUERADE_MARK}$`);
const TO_BLOCK = new RegExp(`^-A (${S})(?:-[abc][0-9a-z]{1,4})?${STATISTIC} -g (${S})-[abc][0-9a-z]{1,4}$`);
const TO_INSTANCE = new RegExp(
  `^-A (?:${BLOCK}|${S}) -p (?:tcp|udp)(?:${STATISTIC}${NOTE}|${SEEN}) -j DNAT --to-destination (\\[?)${IP}(\\]?):([0-9]{1,5})$`,
);

const isIp = (text: string | undefined, family: Family): boolean =>
  text !== undefined && canonicalIp(text) === text && text.includes(':') === (family === 'ipv6');

/** Lines without a variable part. */
function isFixedRule(line: string, family: Family): boolean {
  return [
    '-A SLUICE-ENTRIES -p tcp -g SLUICE-TCP',
    '-A SLUICE-ENTRIES -p udp -g SLUICE-UDP',
    `-A SLUICE-POST -m mark --mark ${MASQUERADE_MARK} -j MASQUERADE --random-fully`,
    `-A SLUICE-POST ! -o lo -m bpf --bytecode "${hairpinBytecode(family)}" -m conntrack --ctstate DNAT -j MASQUERADE --random-fully`,
  ].includes(line);
}

/** Lines of the trie: a prefix, a range of ports, or an entry. */
function isTrieRule(line: string, family: Family): boolean {
  const bits = family === 'ipv4' ? 32 : 128;
  const entry = TO_SERVICE.exec(line);
  if (entry !== null) {
    return isIp(entry[1], family) && Number(entry[2]) === bits && parsePort(entry[3] ?? '') !== undefined;
  }
  const prefix = TO_PREFIX.exec(line);
  if (prefix !== null)
    return isIp(prefix[1], family) && Number(prefix[2]) <= bits && Number(prefix[2]) % 4 === 0;
  const ports = TO_PORTS.exec(line);
  if (ports === null) return false;
  const [first, last] = [Number(ports[1]), Number(ports[2])];
  return String(first) === ports[1] && String(last) === ports[2] && first < last && last <= 65_535;
}

/** Lines of service chains and their blocks. */
function isServiceRule(line: string, family: Family): boolean {
  const instance = TO_INSTANCE.exec(line);
  if (instance !== null) {
    const [, open, ip, close, port] = instance;
    const bracketed = open === '[' && close === ']';
    const bare = open === '' && close === '';
    return (family === 'ipv6' ? bracketed : bare) && isIp(ip, family) && parsePort(port ?? '') !== undefined;
  }
  const block = TO_BLOCK.exec(line);
  return block !== null ? block[1] === block[2] : SET_MARK.test(line);
}

function isRule(line: string, family: Family): boolean {
  return isServiceRule(line, family) || isTrieRule(line, family) || isFixedRule(line, family);
}

/** Why a line may not be sent, or undefined if it may. `declared` gathers the chains that the text has declared so far. */
function objection(line: string, family: Family, declared: Set<string>): string | undefined {
  const declaration = DECLARE.exec(line);
  if (declaration !== null) {
    declared.add(declaration[1] ?? '');
    return undefined;
  }
  if (HOOK.test(line)) return undefined;
  const chain = (APPEND.exec(line) ?? DELETE.exec(line))?.[1];
  if (chain === undefined) return 'it is no line of the layout';
  if (!declared.has(chain)) return `it names ${chain}, which the text did not declare`;
  return DELETE.test(line) || isRule(line, family) ? undefined : 'it is no rule of the layout';
}

/**
 * Checks a restore text: `*nat`, lines of the layout in which every chain is declared before it is filled or deleted, `COMMIT`.
 * @param text as it would be sent
 * @param family addresses of the other family are refused
 * @throws SluiceError `internal` naming the first line that is not known; nothing may be sent then
 */
export function assertRestoreText(text: string, family: Family): void {
  const lines = text.split('\n');
  const refuse = (line: string, why: string): never => {
    throw new SluiceError('internal', `a line for iptables-restore is not known: ${JSON.stringify(line)}`, {
      why,
      details: { line, family },
    });
  };
  if (lines[0] !== '*nat') refuse(lines[0] ?? '', 'a text begins with *nat');
  if (lines.at(-2) !== 'COMMIT' || lines.at(-1) !== '')
    refuse(lines.at(-1) ?? '', 'a text ends with COMMIT and a newline');
  const declared = new Set<string>();
  for (const line of lines.slice(1, -2)) {
    const why = objection(line, family, declared);
    if (why !== undefined) refuse(line, why);
  }
}
