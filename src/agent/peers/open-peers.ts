/** Owns starting what follows other nodes on this machine: its network, and what an agent before this one found out. */
import { knock } from '../../host/knock.ts';
import type { Reaches } from '../../model/node.ts';
import type { Kernel } from '../kernel.ts';
import { keepLines, readLines } from '../kept-lines.ts';
import type { AgentOptions } from '../options.ts';
import { type Peers, startPeers } from './start-peers.ts';

const FILE = 'reached.txt';

/** Starts it. @param say told which of those that are asked answer; not before the first listing */
export async function openPeers(
  options: AgentOptions,
  kernel: Pick<Kernel, 'snapshot' | 'setAway'>,
  say: (reaches: Reaches) => void,
): Promise<Omit<Peers, 'close'> & { readonly close: () => Promise<void> }> {
  const { node, clock, log, stateDir } = options;
  const { snapshot, setAway } = kernel;
  const reached = await readLines(stateDir, FILE);
  const file = keepLines(stateDir, FILE, { before: reached, log });
  const remember = file.write;
  const peers = startPeers({ node, clock, log, knock, snapshot, setAway, say, reached, remember });
  return {
    changed: peers.changed,
    close: async () => {
      peers.close();
      await file.settled();
    },
  };
}
