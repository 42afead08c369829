/** Owns snapshots of one service for tests of nodes out of reach. */
import type { Instance, Service, Stored } from '../../src/model/service.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';

const SERVICE = 'web';
const TIME = '2026-01-01T00:00:00.000Z';

const service: Service = {
  name: SERVICE,
  entries: [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }],
  origin: 'static',
  masquerade: false,
  createdAt: TIME,
};

/** An instance that people listed; with a node: one that Sluice runs. */
export const listed = (id: string, ip: string, port: number, more: Partial<Instance> = {}): Instance => ({
  service: SERVICE,
  id,
  ip,
  port,
  weight: 1,
  origin: 'static',
  state: 'ready',
  createdAt: TIME,
  ...more,
});

const stored = <T>(value: T): Stored<T> => ({ value, createRevision: 1, modRevision: 1, raw: {} });

/** The service with these instances. */
export const snapshotOf = (instances: readonly Instance[]): Snapshot => ({
  revision: 1,
  services: new Map([[SERVICE, stored(service)]]),
  instances: new Map([[SERVICE, instances.map(stored)]]),
});
