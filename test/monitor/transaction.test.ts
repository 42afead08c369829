import { describe, expect, it } from 'vitest';
import { checkWrite } from '../../src/apiserver/access/check-write.ts';
import type { Service, Stored } from '../../src/model/service.ts';
import { transactionOf } from '../../src/monitor/transaction.ts';

const AT = '2026-01-02T03:04:05.000Z';
const before: Stored<Service> = {
  value: {
    name: 'web',
    entries: [{ ip: '10.96.0.10', port: 80, protocol: 'tcp' }],
    origin: 'managed',
    masquerade: false,
    replicas: 2,
    createdAt: AT,
  },
  createRevision: 3,
  modRevision: 7,
  raw: {},
};

describe('the transaction of a step', () => {
  it('says of the record of a changed service that it is new, as API servers ask', async () => {
    const resize = { kind: 'resize' as const, before, replicas: 3, what: 'grow', why: 'load' };
    const scaling = {
      from: 2,
      want: 3,
      final: 3,
      mode: 'act' as const,
      ready: 2,
      coming: 0,
      proposals: [],
      limiter: { kind: 'none' as const },
    };
    const transaction = transactionOf(
      {
        service: 'web',
        topic: 'scaling',
        actions: [{ ...resize, scaling }],
        notices: [],
        basis: [{ kind: 'service', service: 'web', modRevision: 7 }],
      },
      {
        lead: {
          revision: 5,
          say: async () => Promise.resolve(),
          lost: new AbortController().signal,
          giveUp: async () => Promise.resolve(),
        },
        readAt: { assignments: 8, cluster: 8 },
        decisions: [],
        decisionLease: undefined,
        writer: { node: 'n1', host: 'h1', newId: () => 'abcdef01' },
      },
    );
    const key = `audit/${AT}-abcdef01`;
    expect(transaction.compares).toContainEqual({ kind: 'create-revision', key, equals: 0 });
    const records = transaction.operations.filter(({ kind }) => kind === 'put');
    expect(records).toHaveLength(3);
    // Without its service, which has no template here, and is checked by its schema.
    const { operations } = transaction;
    const record = operations.filter((operation) => operation.kind === 'put' && operation.key === key);
    const context = {
      caller: { role: 'operator' as const, name: 'n1', via: 'token 0' },
      present: {
        cached: () => undefined,
        read: async () => Promise.resolve({ revision: 8, item: undefined }),
      },
      keysOfLease: () => [],
    };
    const checked = await checkWrite({ compares: transaction.compares, operations: record }, context);
    expect(checked.operations).toHaveLength(1);
  });
});
