import { describe, expect, it } from 'vitest';
import { type Followed, followedAfter, followedInFull } from '../../src/eureka/followed.ts';
import { type Fetched, readApplications } from '../../src/eureka/read-applications.ts';

/** As a Spring server writes an instance (recorded; shortened by what is not read). */
const spring = (id: string, fields: object = {}): object => ({
  instanceId: id,
  hostName: '10.0.0.7',
  app: 'ORDERS',
  ipAddr: '10.0.0.7',
  status: 'UP',
  overriddenStatus: 'UNKNOWN',
  port: { $: 8080, '@enabled': 'true' },
  securePort: { $: 443, '@enabled': 'false' },
  countryId: 1,
  dataCenterInfo: {
    '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
    name: 'MyOwn',
  },
  leaseInfo: {
    renewalIntervalInSecs: 30,
    durationInSecs: 90,
    registrationTimestamp: 1_700_000_000_000,
    lastRenewalTimestamp: 1_700_000_000_000,
    evictionTimestamp: 0,
    serviceUpTimestamp: 1_700_000_000_000,
  },
  metadata: { 'management.port': '8081' },
  homePageUrl: 'http://10.0.0.7:8080/',
  vipAddress: 'orders',
  secureVipAddress: 'orders',
  isCoordinatingDiscoveryServer: 'false',
  lastUpdatedTimestamp: '1700000000000',
  lastDirtyTimestamp: '1700000000000',
  actionType: 'ADDED',
  ...fields,
});

function fetched(hashCode: string, instance: unknown): Fetched {
  const application = [{ name: 'ORDERS', instance }];
  const body = { applications: { versions__delta: '1', apps__hashcode: hashCode, application } };
  const read = readApplications(body);
  if (read === undefined) throw new Error('it is an answer');
  return read;
}
const keys = (followed: Followed | undefined): unknown => followed && [...followed.keys()];

describe('what another server answers', () => {
  it('is read as a registration each, and a list of one also where it is none', () => {
    const [one] = fetched('UP_1_', spring('a:orders:8080')).instances;
    expect(one?.read).toMatchObject({
      kind: 'instance',
      request: { app: 'ORDERS', ip: '10.0.0.7', vip: 'orders', metadata: { 'management.port': '8081' } },
    });
    expect(
      readApplications({ applications: { application: { name: 'A', instance: spring('a') } } }),
    ).toMatchObject({
      hashCode: undefined,
      instances: [{ key: 'A/a', read: { kind: 'refused' } }],
    });
    expect(readApplications({ applications: {} })?.instances).toEqual([]);
    for (const other of [undefined, [], {}, { applications: [] }, 'x'])
      expect(readApplications(other)).toBeUndefined();
  });

  it('changes what is known, as long as the hash code says that nothing was missed', () => {
    const all = followedInFull(fetched('UP_2_', [spring('a'), spring('b')]));
    expect(keys(all)).toEqual(['ORDERS/a', 'ORDERS/b']);
    const changes = [
      spring('a', { actionType: 'DELETED' }),
      spring('b', { actionType: 'MODIFIED', status: 'DOWN' }),
      spring('c'),
    ];
    const after = followedAfter(all, fetched('DOWN_1_UP_1_', changes));
    expect(keys(after)).toEqual(['ORDERS/b', 'ORDERS/c']);
    expect(keys(all)).toEqual(['ORDERS/a', 'ORDERS/b']);
    expect(followedAfter(all, fetched('UP_3_', changes))).toBeUndefined();
    // What cannot be read is counted as that server counts it.
    const strange = spring('d', { hostName: '' });
    expect(followedAfter(all, fetched('UP_3_', [strange]))?.get('ORDERS/d')).toEqual({
      status: 'UP',
      request: undefined,
    });
  });
});
