import { describe, expect, it } from 'vitest';
import { classify, isFromEtcd, toSluiceError } from '../../../src/store/etcd/grpc-error.ts';

describe('errors of etcd', () => {
  it.each([
    [
      '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1.',
      'not-sent',
    ],
    ['14 UNAVAILABLE: Name resolution failed for target dns:nowhere:2379', 'not-sent'],
    ['14 UNAVAILABLE: Channel closed before call started', 'not-sent'],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded after 1.001s,Waiting for LB pick', 'not-sent'],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded after 0.280s,waiting for name resolution', 'not-sent'],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded', 'retry'],
    ['13 INTERNAL: Failed to start HTTP/2 stream with error The session has been destroyed', 'not-sent'],
    ['Tried to call a KV method on etcd3, but the client was already closed', 'not-sent'],
    ['14 UNAVAILABLE: Connection dropped', 'retry'],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded after 1.000s,LB pick: 0.001s,remote_addr=127.0.0.1:1', 'retry'],
    ['14 UNAVAILABLE: etcdserver: leader changed', 'retry'],
    ['14 UNAVAILABLE: etcdserver: no leader', 'retry'],
    ['14 UNAVAILABLE: etcdserver: request timed out, possibly due to previous leader failure', 'retry'],
    ['13 INTERNAL: Received RST_STREAM with code 2 (Internal server error)', 'retry'],
    ['2 UNKNOWN: Stream removed', 'retry'],
    ['1 CANCELLED: Call cancelled', 'retry'],
    ['8 RESOURCE_EXHAUSTED: etcdserver: too many requests', 'busy'],
    ['8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', 'no-space'],
    ['8 RESOURCE_EXHAUSTED: Received message larger than max (70000000 vs 67108864)', 'too-large'],
    ['3 INVALID_ARGUMENT: etcdserver: request is too large', 'too-large'],
    ['11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted', 'compacted'],
    ['11 OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision', 'future'],
    ['5 NOT_FOUND: etcdserver: requested lease not found', 'lease-gone'],
    ['7 PERMISSION_DENIED: etcdserver: permission denied', 'permission'],
    ['3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password', 'authentication'],
    ['3 INVALID_ARGUMENT: etcdserver: duplicate key given in txn request', 'other'],
  ])('reads %j as %s', (message, kind) => {
    expect(classify(new Error(message)).kind).toBe(kind);
    expect(isFromEtcd(new Error(message))).toBe(true);
  });

  it('does not take a bug for an answer of etcd', () => {
    expect(isFromEtcd(new TypeError("Cannot read properties of undefined (reading 'x')"))).toBe(false);
  });

  it('makes one line of any text', () => {
    expect(classify(new Error('2 UNKNOWN: a\nb\u001B[31m\u0000c')).text).toBe('2 UNKNOWN: a b [31m c');
    expect(classify('x'.repeat(1_000)).text).toHaveLength(300);
  });

  it.each([
    ['permission', 'permission'],
    ['authentication', 'permission'],
    ['no-space', 'failed'],
    ['too-large', 'failed'],
    ['lease-gone', 'conflict'],
    ['other', 'failed'],
    ['retry', 'unavailable'],
    ['not-sent', 'unavailable'],
  ] as const)('tells %s as %s', (kind, code) => {
    expect(toSluiceError({ kind, text: 't' }, 'etcd http://h:1').code).toBe(code);
  });
});
