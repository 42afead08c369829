/** Owns saying what publishing would run into, before anything is written. */
import { listeningSockets } from '../host/listening.ts';
import { readMachine } from '../host/machine.ts';
import type { ServiceSpec } from '../model/service.ts';
import { checkSpecs } from '../ops/entry-limits.ts';
import type { Session } from './session.ts';

/** Warns on stderr of what is allowed but hardly meant. @throws SluiceError `invalid-spec` for what cannot work, `unavailable` */
export async function warnOfSpecs(session: Session, specs: readonly ServiceSpec[]): Promise<void> {
  const machine = { addresses: readMachine().addresses, listening: listeningSockets() };
  const warnings = await checkSpecs(await session.store(), specs, { machine, signal: session.signal });
  for (const line of warnings) session.notes.warn(line);
}
