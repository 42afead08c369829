/** Owns the agent's life: start, the loop from store to kernel, stop. */
import type { AgentOptions } from './options.ts';

/**
 * Runs the agent until `options.signal` aborts; rules stay as they are when it ends.
 * @throws SluiceError `locked` if another agent runs on this node, `permission` without CAP_NET_ADMIN, `config`
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  options.log.info('agent starts', { node: options.node });
}
