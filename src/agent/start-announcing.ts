/** Owns starting the announcer of an agent on this machine: its links, its answering program, what it remembers. */
import { openAnswering } from '../dataplane/answering.ts';
import { isForwarding, linkOf } from '../host/machine.ts';
import { openPipe } from '../host/pipe.ts';
import { canonicalIp } from '../model/address.ts';
import type { Store } from '../store/store.ts';
import { type Announcer, startAnnouncer } from './announcer.ts';
import { keepLines, readLines } from './kept-lines.ts';
import type { AgentOptions } from './options.ts';

/** Starts it; nothing runs on a fleet without announced entries. */
export async function startAnnouncing(options: AgentOptions, store: Store): Promise<Announcer> {
  const { clock, log, node, stateDir } = options;
  const lines = await readLines(stateDir, 'answered.txt');
  const before = lines.filter((line) => canonicalIp(line) === line);
  const file = keepLines(stateDir, 'answered.txt', { before, log });
  const announcer = startAnnouncer({
    node,
    store,
    clock,
    log,
    answering: (onHeard, onState) => openAnswering({ openPipe, clock, onHeard, onState }),
    // A node that does not forward would swallow what it asked for.
    linkOf: (ip) => (isForwarding(ip.includes(':') ? 'ipv6' : 'ipv4') ? linkOf(ip) : undefined),
    before,
    remember: file.write,
  });
  return {
    changed: (keys, items, anew) => announcer.changed(keys, items, anew),
    leased: (lease) => announcer.leased(lease),
    close: async () => {
      await announcer.close();
      await file.settled();
    },
  };
}
