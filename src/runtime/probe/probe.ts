/** Owns asking one instance once whether it is well. Never throws: whatever goes wrong is a bad answer, with one line that says why. */
import type { Address } from '../../model/address.ts';
import type { Probe } from '../../model/template.ts';
import type { Launch } from '../launch/launch.ts';
import { runAs } from '../launch/run-as.ts';
import type { AcceptQueues } from './accept-queues.ts';
import { type ProbeAnswer, unwell } from './answer.ts';
import type { Bounds } from './conversation.ts';
import { probeHttp } from './http.ts';
import { probeTcp } from './tcp.ts';

/** Bounds of one question. */
export interface ProbeBounds extends Bounds {
  readonly queues: AcceptQueues;
  /** How the program of an exec probe is to be run, with the command that the node's policy has admitted. Undefined: such a probe is not well. */
  readonly launch?: Launch | undefined;
}

async function probeExec({ launch, timeoutMs, signal }: ProbeBounds): Promise<ProbeAnswer> {
  if (launch === undefined) return unwell('nothing says how to run its program');
  const { code, timedOut, output } = await runAs(launch, { timeoutMs, signal });
  if (code === 0) return { well: true };
  if (timedOut) return unwell(`no end within ${timeoutMs} ms`);
  return unwell(
    `${code === undefined ? 'killed' : `exit code ${code}`}${output === '' ? '' : `: ${output}`}`,
  );
}

/** Asks once. Placeholders in the probe must have been replaced. */
export async function probe(asked: Probe, address: Address, bounds: ProbeBounds): Promise<ProbeAnswer> {
  try {
    if (asked.kind === 'tcp') return await probeTcp(asked, address, bounds);
    if (asked.kind === 'http') return await probeHttp(asked, address, bounds);
    return await probeExec(bounds);
  } catch (error) {
    return unwell(error instanceof Error ? error.message : String(error));
  }
}
