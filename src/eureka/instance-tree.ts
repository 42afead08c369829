/** Owns a registration as the tree that the protocol writes, in its order of fields; JSON and XML are made from it. Pure. */
import { type Registration, type RegisteredPort, statusOf } from '../model/registration.ts';
import type { RegistryAction } from '../registry/recent.ts';

/** A tree of the protocol: JSON as it is. */
export type Tree = Readonly<Record<string, unknown>>;

/** True if the value is a tree. */
export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const portTree = ({ number, enabled }: RegisteredPort): Tree => ({ $: number, '@enabled': String(enabled) });

function leaseTree({ renewSeconds, durationSeconds, registeredMs, updatedMs, upMs }: Registration): Tree {
  return {
    renewalIntervalInSecs: renewSeconds,
    durationInSecs: durationSeconds,
    registrationTimestamp: registeredMs,
    // Renewals are not written down (src/registry/hearing.ts): the last change stands for the last of them.
    lastRenewalTimestamp: updatedMs,
    evictionTimestamp: 0,
    serviceUpTimestamp: upMs,
  };
}

/** What is empty carries the name of the class that stands for it, as the reference server writes it. */
const metadataTree = (metadata: Readonly<Record<string, string>>): Tree =>
  Object.keys(metadata).length === 0 ? { '@class': 'java.util.Collections$EmptyMap' } : metadata;

/** One instance: the protocol's `InstanceInfo`. */
export function instanceTree(registration: Registration, action: RegistryAction): Tree {
  const { dataCenter, words, vip, secureVip } = registration;
  const { countryId = '1', ...pages } = words;
  const machine = Object.keys(dataCenter.metadata).length === 0 ? {} : { metadata: dataCenter.metadata };
  return {
    instanceId: registration.id,
    hostName: registration.hostName,
    app: registration.app,
    ipAddr: registration.ip,
    status: statusOf(registration),
    overriddenStatus: registration.override ?? 'UNKNOWN',
    port: portTree(registration.port),
    securePort: portTree(registration.securePort),
    countryId: /^[0-9]{1,9}$/.test(countryId) ? Number(countryId) : 1,
    dataCenterInfo: { '@class': dataCenter.className, name: dataCenter.name, ...machine },
    leaseInfo: leaseTree(registration),
    metadata: metadataTree(registration.metadata),
    ...pages,
    ...(vip === undefined ? {} : { vipAddress: vip }),
    ...(secureVip === undefined ? {} : { secureVipAddress: secureVip }),
    isCoordinatingDiscoveryServer: 'false',
    lastUpdatedTimestamp: String(registration.updatedMs),
    lastDirtyTimestamp: String(registration.dirtyMs),
    actionType: action,
  };
}
