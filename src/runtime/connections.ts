/** Owns counting and resetting the established connections of instances' ports on this node, by `ss`. (conntrack goes on counting ended ones.) */
import type { Exec } from '../host/exec.ts';
import { leanExec } from '../host/lean-exec.ts';
import type { Address } from '../model/address.ts';
import { plainText } from '../model/text.ts';
import { SluiceError } from '../errors.ts';

/** Connections of this node's instances. */
export interface Connections {
  /** Established ones of each address, in the order asked; one program for all. */
  readonly count: (addresses: readonly Address[]) => Promise<readonly number[]>;
  /** Resets them: clients see it at once and connect again. @returns how many there were */
  readonly reset: (address: Address) => Promise<number>;
}

const FLAGS = '-Htn';

/** Ports in one question; the filter is one word of the command line. */
const MAX_PORTS = 200;

async function established(
  ports: readonly number[],
  run: Exec,
  extra: readonly string[] = [],
): Promise<string> {
  const filter = ports.map((port) => `sport = :${port}`).join(' or ');
  const { exitCode, stdout, stderr } = await run('ss', [...extra, FLAGS, 'state', 'established', filter]);
  if (exitCode === 0) return stdout;
  throw new SluiceError('failed', 'ss cannot list connections', {
    why: plainText(stderr, 300) || `exit code ${exitCode}`,
    fix: 'check that iproute2 is installed',
  });
}

/** Local port of each line: `0 0 LOCAL:PORT PEER:PORT`. */
function localPorts(text: string): readonly number[] {
  return text.split('\n').flatMap((line) => {
    const port = /:(\d+)$/.exec(line.trim().split(/\s+/)[2] ?? '')?.[1];
    return port === undefined ? [] : [Number(port)];
  });
}

/** Connections by the node's `ss`. By port alone: a socket may be bound to any form of the address. */
export function openConnections(run: Exec = leanExec): Connections {
  return {
    count: async (addresses) => {
      const counts = new Map<number, number>();
      const ports = [...new Set(addresses.map(({ port }) => port))];
      for (let from = 0; from < ports.length; from += MAX_PORTS) {
        for (const port of localPorts(await established(ports.slice(from, from + MAX_PORTS), run))) {
          counts.set(port, (counts.get(port) ?? 0) + 1);
        }
      }
      return addresses.map(({ port }) => counts.get(port) ?? 0);
    },
    // -K prints what it has closed.
    reset: async ({ port }) => localPorts(await established([port], run, ['-K'])).length,
  };
}
