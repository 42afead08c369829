/** Owns what an error of etcd or of its connection means. Must not decide what to do about it. */
import { SluiceError } from '../../errors.ts';
import { leaseGone, unavailable } from '../failure.ts';

/**
 * `not-sent`: it never left, another server may be asked. `retry`: the server or the way to it is in trouble; a write may have been
 * done. `busy`: refused before it was proposed. `compacted`, `future`: of the revision. The rest is final.
 */
export type FailureKind =
  | 'not-sent'
  | 'retry'
  | 'busy'
  | 'compacted'
  | 'future'
  | 'lease-gone'
  | 'permission'
  | 'authentication'
  | 'no-space'
  | 'too-large'
  | 'other';

/** A failure of a call. `text` is one line without control characters and without secrets. */
export interface Failure {
  readonly kind: FailureKind;
  readonly text: string;
}

/** The first pattern that matches decides; messages are those of grpc-js 1.14 and of etcd's rpctypes. */
const PATTERNS: readonly (readonly [RegExp, FailureKind])[] = [
  [/No connection established|Name resolution failed|Channel closed before call started/, 'not-sent'],
  [/client was already closed|Failed to start HTTP\/2 stream/, 'not-sent'],
  // grpc-js names the server's address as soon as the call is on a connection, and not before.
  [/^4 DEADLINE_EXCEEDED: Deadline exceeded after (?!.*remote_addr=)/, 'not-sent'],
  [/required revision has been compacted/, 'compacted'],
  [/required revision is a future revision/, 'future'],
  [/requested lease not found/, 'lease-gone'],
  [/permission denied/, 'permission'],
  [
    /authentication failed|user name is empty|invalid auth token|authentication is not enabled/,
    'authentication',
  ],
  [/database space exceeded/, 'no-space'],
  [/request is too large|larger than max/, 'too-large'],
  [/too many requests/, 'busy'],
  [
    /etcdserver: (leader changed|no leader|request timed out|server stopped|not capable|rpc not supported)/,
    'retry',
  ],
  [/etcdserver: (re-configuration|unhealthy|too many learner)/, 'retry'],
  [/^(1 CANCELLED|4 DEADLINE_EXCEEDED|10 ABORTED|13 INTERNAL|14 UNAVAILABLE)/, 'retry'],
  [/^2 UNKNOWN: (?!etcdserver)/, 'retry'],
];

/** False for what neither etcd nor its connection says: a bug of ours or of a package. */
export function isFromEtcd(error: unknown): boolean {
  const message = error instanceof Error ? error.message : String(error);
  return /^\d+ [A-Z_]+:|etcdserver:|client was already closed/.test(message);
}

/** Reads the kind out of anything thrown by a call. */
export function classify(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const text = message.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300);
  return { kind: PATTERNS.find(([pattern]) => pattern.test(message))?.[1] ?? 'other', text };
}

const CODES = {
  permission: [
    'permission',
    'the store refused the call',
    'grant the role of this user the keys, or use other credentials',
  ],
  authentication: [
    'permission',
    'the store refused the credentials',
    'check user name, password file and certificates',
  ],
  'no-space': [
    'failed',
    'the store is full and takes no writes',
    'free space: etcdctl compact, etcdctl defrag on every member, then etcdctl alarm disarm',
  ],
  'too-large': [
    'failed',
    'the store refused a message as too large',
    'split the change, or raise --max-request-bytes of etcd',
  ],
} as const;

/** The error for the caller, of a failure that is final or after all tries are used up. */
export function toSluiceError(failure: Failure, store: string): SluiceError {
  const { kind, text } = failure;
  if (kind === 'lease-gone') return leaseGone(undefined, { store });
  if (kind === 'other') {
    return new SluiceError('failed', `the store refused the call (${store})`, { why: text });
  }
  if (kind === 'permission' || kind === 'authentication' || kind === 'no-space' || kind === 'too-large') {
    const [code, what, fix] = CODES[kind];
    return new SluiceError(code, `${what} (${store})`, { why: text, fix, details: { written: false } });
  }
  return unavailable(text, { store });
}
