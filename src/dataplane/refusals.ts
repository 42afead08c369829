/** Owns the table of held refusals in the kernel (src/rules/refusals/refusals-text.ts), by nft. It is written whole each time and never read back. */
import { SluiceError } from '../errors.ts';
import type { Exec } from '../host/exec.ts';
import type { Address } from '../model/address.ts';
import { assertRefusalsText } from '../rules/refusals/refusals-grammar.ts';
import { REFUSALS_REMOVAL, refusalsTable } from '../rules/refusals/refusals-text.ts';

/** Refusals of a node that its kernel holds back. */
export interface Refusals {
  /**
   * Those of these instances, each named once, and of no others, for two minutes. None: no trace is left.
   * @throws SluiceError `failed` with what nft said, `internal` (grammar; nothing sent)
   */
  readonly hold: (addresses: readonly Address[]) => Promise<void>;
}

/** In the network namespace that `exec` runs nft in. */
export const nftRefusals = (exec: Exec): Refusals => ({
  hold: async (addresses) => {
    const text = addresses.length === 0 ? REFUSALS_REMOVAL : refusalsTable(addresses);
    assertRefusalsText(text);
    const { exitCode, stderr } = await exec('nft', ['-f', '-'], { input: text });
    if (exitCode === 0) return;
    const why = stderr.trim().split('\n').slice(0, 3).join('; ');
    throw new SluiceError('failed', 'nft refused the table of held refusals', { why });
  },
});

/** For nodes without nft: holds none. */
export const NO_REFUSALS: Refusals = { hold: async () => {} };
