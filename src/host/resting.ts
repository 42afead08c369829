/** Owns what V8 does beside the work of a process that stays and rests most of the time: compiling it anew, and waking threads to collect garbage. */
import { setFlagsFromString } from 'node:v8';

/**
 * Bytes of byte code that a function runs through before V8 thinks of optimising it: fifteen times what is usual. A process that works for some ms
 * every two seconds reaches the usual number with everything that it does, within its first minutes: its compilers then take as much of a processor
 * as its work (a monitor with 100 instances: 1.2 % of a core beside 1.8 %), and their code 5 MB. What is really hot still gets there.
 */
const BUDGET_BYTES = 1_000_000;

/** From now on V8 does little beside the work; for the start of a process that stays, and rests most of the time. */
export function expectRest(): void {
  setFlagsFromString(`--interrupt-budget=${BUDGET_BYTES}`);
  // A young generation of some MB is collected in 2 ms: waking four threads for that costs more than they take over.
  setFlagsFromString('--no-parallel-scavenge');
}
