/** Owns what doctor holds against the servers of the store: reach, latency, versions with known defects. Pure. */
import type { EndpointStatus } from '../store/store.ts';
import { bad, type DoctorCheck, well } from './doctor-check.ts';

/**
 * First patch release of each minor one without the defects that hurt here: watches that lose a delete at the compact revision
 * (etcd#18089) or after compaction (#17529), and CVEs of 2025 and 2026. Sluice works around the first two; the rest it cannot.
 */
const SOUND: Readonly<Record<string, number>> = { '3.4': 44, '3.5': 30, '3.6': 11 };
/** A read within a machine room takes 1-5 ms; a publish needs several. */
const SLOW_MS = 100;

/** Whether a version has known defects; undefined if nothing is known of it. */
export function isSoundVersion(version: string): boolean | undefined {
  const [, minor = '', patch] = /^(\d+\.\d+)\.(\d+)/.exec(version) ?? [];
  const least = SOUND[minor];
  return least === undefined || patch === undefined ? undefined : Number(patch) >= least;
}

function versionCheck(endpoint: string, version: string): DoctorCheck {
  const check = `store/${endpoint}/version`;
  const sound = isSoundVersion(version);
  if (sound === true) return well(check, version);
  if (sound === undefined)
    return bad(check, 'warn', {
      detail: `${version}: Sluice was not tried with it`,
      fix: 'use etcd 3.4, 3.5 or 3.6',
    });
  const [, minor = ''] = /^(\d+\.\d+)/.exec(version) ?? [];
  return bad(check, 'warn', {
    detail: `${version} has known defects (lost watch events after compaction, security fixes missing)`,
    fix: `update etcd to ${minor}.${SOUND[minor]} or later`,
  });
}

/** Checks of all servers. */
export function storeChecks(endpoints: readonly EndpointStatus[]): readonly DoctorCheck[] {
  const isDown = endpoints.every(({ healthy }) => !healthy);
  return endpoints.flatMap(({ endpoint, healthy, latencyMs = 0, version, error }) => {
    const check = `store/${endpoint}`;
    if (!healthy) {
      const fix = 'is etcd running there, and is the way to it open? (etcdctl endpoint health)';
      return [bad(check, isDown ? 'fail' : 'warn', { detail: error ?? 'no answer', fix })];
    }
    const took = `answers in ${Math.max(1, Math.round(latencyMs))} ms`;
    const speed =
      latencyMs <= SLOW_MS
        ? well(check, took)
        : bad(check, 'warn', {
            detail: `${took}: commands will be slow`,
            fix: 'look at the disk of etcd and at the network',
          });
    return version === undefined ? [speed] : [speed, versionCheck(endpoint, version)];
  });
}
