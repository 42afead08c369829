/** Owns "one agent a node": that is, one for the network namespace whose rules it owns. */
import { type Single, takeSingle } from '../host/single.ts';

/**
 * Takes the node's one place for an agent.
 * @throws SluiceError `locked` if another agent of this network namespace has it
 */
export async function takeSingleAgent(): Promise<Single> {
  return takeSingle({
    socket: 'sluice-agent',
    what: 'another sluice agent runs on this node',
    why: 'two agents would overwrite each other in the same kernel tables',
    fix: 'stop the other one first, e.g. systemctl stop sluice-agent (ss -xlp | grep sluice-agent shows its pid)',
  });
}
