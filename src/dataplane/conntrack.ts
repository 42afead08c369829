/**
 * Owns forgetting connections in the kernel, by the conntrack tool. The tool walks the whole table for every call (about 100 ms at 30,000
 * connections), so when many are to go, one listing tells first which are there at all; of those that wait for an answer two are many, as there is hardly ever any.
 */
import { SluiceError } from '../errors.ts';
import type { Exec } from '../host/exec.ts';
import type { Family } from '../model/address.ts';
import { flowKey, flowKeysOf, forgetArgs, isWaiting, listArgs } from '../rules/conntrack-flows.ts';
import type { Stale } from '../rules/gone.ts';

/** Up to so many are deleted without looking: a listing of all that is answered may be 200 bytes for each of a million connections. */
const FEW = 4;
const TIMEOUT_MS = 60_000;
/** The tool ends at the first connection that ended by itself between its look and its deletion; those after it are still there. */
const GONE_MEANWHILE = /such conntrack doesn't exist/;
/** So often is it run again for that; each time it has got further. */
const MAX_RUNS = 20;
/** A table of a million connections prints about 180 MB. */
const LISTING_MAX_BYTES = 256 * 1024 * 1024;

/** Remembered connections of a network namespace. */
export interface Conntrack {
  /**
   * Forgets what is stale.
   * @returns how many kinds of stale connections were really there and gone now
   * @throws SluiceError `config` if the tool is not installed, `failed`, `permission`
   */
  readonly forget: (stale: readonly Stale[]) => Promise<number>;
}

const familyOf = ({ entry }: Stale): Family => (entry.ip.includes(':') ? 'ipv6' : 'ipv4');

async function run(
  exec: Exec,
  args: readonly string[],
  runsLeft = MAX_RUNS,
): Promise<{ exitCode: number; stdout: string }> {
  const result = await exec('conntrack', args, { timeoutMs: TIMEOUT_MS, maxBytes: LISTING_MAX_BYTES });
  if (runsLeft > 1 && GONE_MEANWHILE.test(result.stderr)) return await run(exec, args, runsLeft - 1);
  // Exit code 1 with a count of 0 is what it says when nothing matched.
  if (result.exitCode === 0 || / 0 flow entries have been /.test(result.stderr)) return result;
  const why = result.stderr.trim().split('\n')[0];
  throw new SluiceError(/permitted/i.test(why ?? '') ? 'permission' : 'failed', 'conntrack failed', { why });
}

const kindOf = (one: Stale): string => [familyOf(one), one.entry.protocol, isWaiting(one)].join(' ');

/** Those of which there are connections; one listing for all of a family and protocol that are alike in whether they wait for an answer. */
async function present(exec: Exec, stale: readonly Stale[]): Promise<readonly Stale[]> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const one of stale) {
    if (found.has(kindOf(one))) continue;
    const listed = { family: familyOf(one), protocol: one.entry.protocol, waiting: isWaiting(one) };
    found.set(kindOf(one), flowKeysOf((await run(exec, listArgs(listed))).stdout));
  }
  return stale.filter((one) => found.get(kindOf(one))?.has(flowKey(one)) === true);
}

/** Opens the remembered connections of the namespace that `exec` runs in. */
export function openConntrack(exec: Exec): Conntrack {
  return {
    forget: async (stale) => {
      const few = stale.every(isWaiting) ? 1 : FEW;
      const there = stale.length > few ? await present(exec, stale) : stale;
      let forgotten = 0;
      for (const one of there) {
        const { exitCode } = await run(exec, forgetArgs(one));
        if (exitCode === 0) forgotten += 1;
      }
      return forgotten;
    },
  };
}
