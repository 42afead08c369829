/**
 * Owns the routes to entries in the kernel's local table, by iproute2: `ENTRY/32 dev sluice0 src NODE_IP`, marked with a protocol number
 * of our own, so that no route of anybody else is ever touched.
 *
 * They give the node's own connections a way out and a source; the translation turns them away from the device. A packet that nobody
 * translated (the rules are away for a moment) is swallowed there and sent again by TCP, whereas with a route of type local the node itself
 * would answer it with a reset and end established connections. It needs the guard, which refuses at once what is to be refused; on a
 * node without one, or whose kernel has no such device, the routes are `local ENTRY/32 dev lo src NODE_IP`.
 */
import type { Exec } from '../host/exec.ts';
import { ENTRY_DEVICE } from '../rules/entry-device.ts';
import { ensureDevice, hasDevice, removeDevice } from './entry-device.ts';
import {
  checkedIp,
  diffRoutes,
  type EntryRoutes,
  type LocalRoutes,
  type RouteDelta,
  refusalLines,
} from './entry-routes.ts';

/** Our number among routing protocols (rtnetlink(7): above 4 free for daemons); not one that iproute2 knows by name. */
export const ROUTE_PROTOCOL = '115';
const TIMEOUT_MS = 60_000;

/** Local routes of one family as `ip` prints them; none where the kernel has not that family. */
async function listFamily(exec: Exec, flag: '-4' | '-6'): Promise<readonly string[]> {
  const result = await exec('ip', [flag, 'route', 'show', 'table', 'local'], { timeoutMs: TIMEOUT_MS });
  return result.exitCode === 0 ? result.stdout.split('\n') : [];
}

/** Where the routes lead: to a device that swallows, or to the node itself. */
export type RouteType = 'device' | 'local';

const WAY: Readonly<Record<RouteType, { readonly type: string; readonly dev: string }>> = {
  device: { type: 'unicast', dev: ENTRY_DEVICE },
  local: { type: 'local', dev: 'lo' },
};

async function listLocal(exec: Exec, type: RouteType): Promise<LocalRoutes> {
  const lines = (await Promise.all([listFamily(exec, '-4'), listFamily(exec, '-6')])).flat();
  const ours = new Map<string, string>();
  const foreign = new Set<string>();
  for (const line of lines) {
    const [, local, ip] = /^(local )?([0-9a-f.:]+) /.exec(line) ?? [];
    if (ip === undefined) continue;
    const isType = (local === undefined) === (type === 'device');
    // One of the other type (made by another version) has no right source, and is replaced.
    if (line.includes(` proto ${ROUTE_PROTOCOL} `))
      ours.set(ip, (isType ? / src (\S+)/.exec(line)?.[1] : '') ?? '');
    else if (local !== undefined) foreign.add(ip);
  }
  return { ours, foreign };
}

const prefix = (ip: string): string => `${checkedIp(ip)}/${ip.includes(':') ? 128 : 32}`;

const putLines = (verb: string, type: RouteType, routes: ReadonlyMap<string, string>): readonly string[] =>
  [...routes].map(
    ([ip, source]) =>
      `route ${verb} ${WAY[type].type} ${prefix(ip)} dev ${WAY[type].dev} table local src ${checkedIp(source)} proto ${ROUTE_PROTOCOL}`,
  );

/** Lines for `ip -batch`; `replace` leaves no moment without a route. */
function batchLines(delta: RouteDelta, type: RouteType): readonly string[] {
  const remove = delta.remove.map((ip) => `route del ${prefix(ip)} table local proto ${ROUTE_PROTOCOL}`);
  return [...putLines('add', type, delta.add), ...putLines('replace', type, delta.replace), ...remove];
}

/** How a batch went. */
interface BatchResult {
  readonly isWhole: boolean;
  /** What the kernel said to each line that failed, by line number from 0. */
  readonly failed: ReadonlyMap<number, string>;
}

/** Runs a batch to its end, also past lines that fail. */
async function runBatch(exec: Exec, lines: readonly string[]): Promise<BatchResult> {
  if (lines.length === 0) return { isWhole: true, failed: new Map() };
  const result = await exec('ip', ['-force', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    timeoutMs: TIMEOUT_MS,
  });
  const failed = result.stderr.matchAll(/([^\n]*)\nCommand failed -:(\d+)/g);
  return {
    isWhole: result.exitCode === 0,
    failed: new Map([...failed].map(([, why, line]) => [Number(line) - 1, why ?? ''])),
  };
}

/** What is there after a batch without a failure. */
function afterBatch(before: LocalRoutes, delta: RouteDelta): LocalRoutes {
  const ours = new Map([...before.ours, ...delta.add, ...delta.replace]);
  for (const ip of delta.remove) ours.delete(ip);
  return { ours, foreign: before.foreign };
}

/**
 * Routes to entries of the network namespace that `exec` runs in.
 * @param wanted `device` falls back to `local` where there can be no such device
 */
export function ipEntryRoutes(exec: Exec, wanted: RouteType = 'device'): EntryRoutes {
  let current: LocalRoutes | undefined;
  let type = wanted;
  let isReady = wanted === 'local';

  /** Makes the device that the first route needs. */
  const prepare = async (): Promise<void> => {
    isReady = true;
    if (await ensureDevice(exec)) return;
    type = 'local';
    current = undefined;
  };

  const apply: EntryRoutes['apply'] = async (ips, facts) => {
    if (!isReady && ips.length > 0) await prepare();
    let before = current ?? (await listLocal(exec, type));
    // IPv4 refuses a second local route to one address; IPv6 takes it, so an address that is new to the node must be seen first.
    if ([...diffRoutes(ips, facts, before).add.keys()].some((ip) => ip.includes(':')))
      before = await listLocal(exec, type);
    const delta = diffRoutes(ips, facts, before);
    const lines = batchLines(delta, type);
    const { isWhole, failed } = await runBatch(exec, lines);
    const after = isWhole ? afterBatch(before, delta) : await listLocal(exec, type);
    current = after;
    const left = diffRoutes(ips, facts, after);
    const put = [...delta.add.keys(), ...delta.replace.keys()];
    const reasons = new Map([...failed].map(([line, why]) => [put[line], why]));
    const missing = [...left.add.keys(), ...left.replace.keys()];
    const refused = new Map([
      ...left.refused,
      ...missing.map((ip) => [ip, reasons.get(ip) ?? 'the kernel did not keep it'] as const),
    ]);
    return { changed: lines.length - failed.size, failures: refusalLines(refused) };
  };

  return {
    adopt: async () => {
      const [listed, isThere] = await Promise.all([
        listLocal(exec, type),
        type === 'local' ? true : hasDevice(exec),
      ]);
      current = listed;
      isReady = isThere;
    },
    apply,
    dump: async () =>
      [...(await listLocal(exec, type)).ours]
        .map(([ip, source]) => `route ${ip} dev ${WAY[type].dev} src ${source} proto ${ROUTE_PROTOCOL}`)
        .toSorted(),
    cleanup: async () => {
      const { ours } = await listLocal(exec, type);
      const remove = [...ours.keys()];
      await runBatch(
        exec,
        batchLines({ add: new Map(), replace: new Map(), remove, refused: new Map() }, type),
      );
      await removeDevice(exec);
      current = undefined;
      type = wanted;
      isReady = wanted === 'local';
    },
  };
}
