/**
 * Owns changing the layout of a running node: the rules of the other layout are removed only after those of this one are in. In between both
 * are there, and whichever is asked first translates a connection; the other then finds nothing to do. Established connections are
 * conntrack's and know of neither.
 */
import { SluiceError } from '../errors.ts';
import type { Dataplane } from './dataplane.ts';
import { IPV6_FAILED } from './families-dataplane.ts';
import type { FamilyRules } from './family-rules.ts';

/** Removes the rules of one family if there are any; what went wrong as a line. */
async function removeRules(rules: FamilyRules): Promise<string | undefined> {
  try {
    await rules.read();
    if (rules.isPresent) await rules.remove();
    return undefined;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code === 'internal') throw error;
    return [error.message, error.why].filter((part) => part !== undefined).join(': ');
  }
}

/**
 * A data plane that also removes rules that another layout left.
 * @param leftovers rules of the layout that is not used, by family; routes are the same in all layouts and stay
 */
export function removingLeftovers(dataplane: Dataplane, leftovers: readonly FamilyRules[]): Dataplane {
  let left = leftovers;
  const removeAll = async (): Promise<readonly string[]> => {
    const failed: FamilyRules[] = [];
    const failures: string[] = [];
    for (const rules of left) {
      const why = await removeRules(rules);
      if (why === undefined) continue;
      failed.push(rules);
      failures.push(`rules of the layout used before cannot be removed: ${why}`);
    }
    left = failed;
    return failures;
  };
  return {
    ...dataplane,
    apply: async (ruleset, facts, ready) => {
      const report = await dataplane.apply(ruleset, facts, ready);
      // What this layout could not bring in, the other one still does.
      const isWhole = !report.failures.some((line) => line.startsWith(IPV6_FAILED));
      if (left.length === 0 || !isWhole) return report;
      return { ...report, failures: [...report.failures, ...(await removeAll())] };
    },
    cleanup: async () => {
      left = leftovers;
      const [why] = await removeAll();
      await dataplane.cleanup();
      if (why !== undefined) throw new SluiceError('failed', 'not everything is removed', { why });
    },
  };
}
