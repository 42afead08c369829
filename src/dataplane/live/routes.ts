/** Owns asking the kernel for routes, by iproute2; reads only. */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import { canonicalIp } from '../../model/address.ts';
import { asList, asObject, asText } from '../../rules/explain/nft-words.ts';
import type { RouteFact } from '../../rules/explain/node-state.ts';
import { checkedIp } from '../entry-routes.ts';

/** One line of answer of `ip -j route get`. */
function factOf(line: string): RouteFact {
  const answers: unknown = JSON.parse(line);
  const answer = asObject(asList(answers)[0]) ?? {};
  const [type, device, gateway, source] = ['type', 'dev', 'gateway', 'prefsrc'].map((key) =>
    asText(answer[key]),
  );
  const from = canonicalIp(source ?? '');
  if (type === 'local') return { kind: 'local', device: device ?? '', source: from };
  if (type !== '' && type !== 'unicast') return { kind: 'none', why: `its route is of type ${type}` };
  // An IPv4 route by an IPv6 neighbour names it in `via`.
  const next = gateway === '' ? asText(asObject(answer['via'])?.['host']) : gateway;
  return { kind: 'via', device: device ?? '', gateway: next === '' ? undefined : next, source: from };
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
  const answers = stdout.split('\n').filter((line) => line.startsWith('['));
  if (answers.length + failed.size !== asked.length) {
    throw new SluiceError('failed', 'cannot read routes', { why: stderr.trim().split('\n')[0] });
  }
  let next = 0;
  for (const [index, ip] of asked.entries()) {
    const why = failed.get(index);
    found.set(ip, why === undefined ? factOf(answers[next++] ?? '[]') : { kind: 'none', why });
  }
  return found;
}
