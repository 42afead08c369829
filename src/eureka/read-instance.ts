/**
 * Owns reading what an instance sends when it registers, from JSON or from XML turned into the same tree: forgiving where clients differ,
 * strict where Eureka itself is, with its words. Pure.
 */
import { appNameOf, APP_RULE, isRegisteredStatus, isRegistrationId } from '../model/registration.ts';
import type { DataCenter, RegisteredPort, RegisteredStatus } from '../model/registration.ts';
import type { RegistrationRequest } from '../registry/lifecycle.ts';
import { isTree, type Tree } from './instance-tree.ts';
import { HANDED_ON } from './words.ts';

/** What was sent, or the words of the refusal (a 400 of Eureka's is plain text). */
export type ReadInstance =
  | { readonly kind: 'instance'; readonly request: RegistrationRequest }
  | { readonly kind: 'refused'; readonly why: string };

const RENEW_SECONDS = 30;
const DURATION_SECONDS = 90;
const MAX_SECONDS = 86_400;
const MY_OWN = 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo';

/** A word: text, or a number or truth value as text; '' for anything else. */
function wordOf(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

const word = (tree: Tree, name: string): string => wordOf(tree[name]);

/** A whole number from 0, or `missing`. */
function numberOf(value: unknown, missing: number): number {
  const text = wordOf(value);
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : missing;
}

/** Names with a text each; the protocol's own words about classes (`@class`) left out. */
function wordsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isTree(value)) return {};
  const pairs = Object.entries(value).filter(([name, item]) => !name.startsWith('@') && !isTree(item));
  return Object.fromEntries(pairs.map(([name, item]) => [name, wordOf(item)]));
}

/** `{"$": 8080, "@enabled": "true"}`, or the number alone. */
function portOf(value: unknown, missing: RegisteredPort): RegisteredPort {
  const number = numberOf(isTree(value) ? value['$'] : value, missing.number);
  if (number > 65_535) return missing;
  const said = isTree(value) ? word(value, '@enabled') : '';
  const enabled = said === '' ? value !== undefined || missing.enabled : said === 'true';
  return { number, enabled };
}

/** A status; a word that is none counts as UNKNOWN, as in Eureka. */
function statusOf(text: string): RegisteredStatus {
  const upper = text.toUpperCase();
  if (text === '') return 'UP';
  return isRegisteredStatus(upper) ? upper : 'UNKNOWN';
}

function dataCenterOf(tree: Tree): DataCenter | string {
  const sent = tree['dataCenterInfo'];
  if (!isTree(sent)) return 'Missing dataCenterInfo';
  const name = word(sent, 'name');
  if (name === '') return 'Missing dataCenterInfo Name';
  return { name, className: word(sent, '@class') || MY_OWN, metadata: wordsOf(sent['metadata']) };
}

/** The id: the one named, else that of the machine in its data center, else the host's name. */
function idOf(tree: Tree): string {
  const center = tree['dataCenterInfo'];
  const machine = isTree(center) && isTree(center['metadata']) ? word(center['metadata'], 'instance-id') : '';
  return word(tree, 'instanceId') || machine || word(tree, 'hostName');
}

function leaseOf(tree: Tree): Pick<RegistrationRequest, 'renewSeconds' | 'durationSeconds'> {
  const lease = isTree(tree['leaseInfo']) ? tree['leaseInfo'] : {};
  const seconds = (name: string, missing: number): number =>
    Math.min(MAX_SECONDS, Math.max(1, numberOf(lease[name], missing)));
  return {
    renewSeconds: seconds('renewalIntervalInSecs', RENEW_SECONDS),
    durationSeconds: seconds('durationInSecs', DURATION_SECONDS),
  };
}

/** What people had said before, as far as the instance knows it. */
function overrideOf(tree: Tree): Pick<RegistrationRequest, 'override'> {
  const status = statusOf(word(tree, 'overriddenStatus') || word(tree, 'overriddenstatus') || 'UNKNOWN');
  return status === 'UNKNOWN' ? {} : { override: status };
}

/** Names under which clients look for it. */
function vipsOf(tree: Tree): Pick<RegistrationRequest, 'vip' | 'secureVip'> {
  const [vip, secureVip] = [word(tree, 'vipAddress'), word(tree, 'secureVipAddress')];
  return { ...(vip === '' ? {} : { vip }), ...(secureVip === '' ? {} : { secureVip }) };
}

/** What is missing, in Eureka's words and order. */
function whyRefused(app: string, tree: Tree): string | undefined {
  const id = idOf(tree);
  if (id === '') return 'Missing instanceId';
  if (!isRegistrationId(id)) return 'Malformed instanceId: printable ASCII without spaces, at most 253';
  if (word(tree, 'hostName') === '') return 'Missing hostname';
  if (word(tree, 'ipAddr') === '') return 'Missing ip address';
  if (word(tree, 'app') === '') return 'Missing appName';
  const own = word(tree, 'app').toUpperCase();
  if (own !== app) return `Mismatched appName, expecting ${app} but was ${own.slice(0, 127)}`;
  const center = dataCenterOf(tree);
  return typeof center === 'string' ? center : undefined;
}

/**
 * Reads a registration.
 * @param appInPath as it stands in the path; compared in upper case
 * @param body `{"instance": {…}}`
 */
export function readInstance(appInPath: string, body: unknown): ReadInstance {
  const app = appNameOf(appInPath);
  if (app === undefined) return { kind: 'refused', why: `Malformed appName: ${APP_RULE}` };
  const tree = isTree(body) && isTree(body['instance']) ? body['instance'] : {};
  const why = whyRefused(app, tree);
  const dataCenter = dataCenterOf(tree);
  if (why !== undefined || typeof dataCenter === 'string') {
    return { kind: 'refused', why: why ?? 'Missing dataCenterInfo' };
  }
  const handedOn = HANDED_ON.map((name) => [name, word(tree, name)] as const).filter(
    ([, text]) => text !== '',
  );
  const request: RegistrationRequest = {
    app,
    id: idOf(tree),
    hostName: word(tree, 'hostName'),
    ip: word(tree, 'ipAddr'),
    port: portOf(tree['port'], { number: 7_001, enabled: true }),
    securePort: portOf(tree['securePort'], { number: 7_002, enabled: false }),
    status: statusOf(word(tree, 'status')),
    ...overrideOf(tree),
    ...vipsOf(tree),
    ...leaseOf(tree),
    metadata: wordsOf(tree['metadata']),
    dataCenter,
    words: Object.fromEntries(handedOn),
    dirtyMs: numberOf(tree['lastDirtyTimestamp'], 0),
  };
  return { kind: 'instance', request };
}
