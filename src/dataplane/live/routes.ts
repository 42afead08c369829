/** Owns asking the kernel for routes, by iproute2; reads only. */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import { canonicalIp } from '../../model/address.ts';
import type { RouteFact } from '../../rules/explain/node-state.ts';
import { checkedIp } from '../entry-routes.ts';

/** One answer of `ip -j route get`, as far as it is read. */
interface Answer {
  readonly type?: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly via?: { readonly host?: string };
  readonly prefsrc?: string;
}

function factOf({ type, dev = '', gateway, via, prefsrc }: Answer): RouteFact {
  const source = prefsrc === undefined ? undefined : canonicalIp(prefsrc);
  if (type === 'local') return { kind: 'local', device: dev, source };
  if (type !== undefined && type !== 'unicast') return { kind: 'none', why: `its route is of type ${type}` };
  return { kind: 'via', device: dev, gateway: gateway ?? via?.host, source };
}

/** Where the node would send packets to each address. An address that is none (`this node`) is local. */
export async function readRoutes(
  exec: Exec,
  ips: readonly string[],
): Promise<ReadonlyMap<string, RouteFact>> {
  const wanted = [...new Set(ips)];
  const found = new Map<string, RouteFact>();
  const asked = wanted.filter((ip) => canonicalIp(ip) !== undefined);
  for (const ip of wanted) {
    if (!asked.includes(ip)) found.set(ip, { kind: 'local', device: 'lo', source: undefined });
  }
  if (asked.length === 0) return found;
  const input = asked.map((ip) => `route get ${checkedIp(ip)}\n`).join('');
  const { stdout, stderr } = await exec('ip', ['-j', '-force', '-batch', '-'], { input, timeoutMs: 30_000 });
  const failed = new Map(
    [...stderr.matchAll(/([^\n]*)\nCommand failed -:(\d+)/g)].map(([, why, line]) => [
      Number(line) - 1,
      (why ?? '').replace(/^RTNETLINK answers: /, ''),
    ]),
  );
  const answers = stdout
    .split('\n')
    .filter((line) => line.startsWith('['))
    .map((line) => (JSON.parse(line) as readonly Answer[])[0] ?? {});
  if (answers.length + failed.size !== asked.length) {
    throw new SluiceError('failed', 'cannot read routes', { why: stderr.trim().split('\n')[0] });
  }
  let next = 0;
  for (const [index, ip] of asked.entries()) {
    const why = failed.get(index);
    found.set(ip, why === undefined ? factOf(answers[next++] ?? {}) : { kind: 'none', why });
  }
  return found;
}
