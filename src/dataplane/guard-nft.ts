/**
 * Owns the guard in the kernel: the table `inet sluice_guard`, by nft. On a node without nft there is none, and that is said: iptables
 * rules in the filter table instead would be flushed by the same commands that the guard is to survive.
 */
import { SluiceError } from '../errors.ts';
import type { Exec } from '../host/exec.ts';
import { assertGuardText } from '../rules/guard/guard-grammar.ts';
import { type FoundGuard, parseGuard } from '../rules/guard/guard-listing.ts';
import { diffGuard, GUARD_SETS, guardOf, type GuardState, isSameGuard } from '../rules/guard/guard-state.ts';
import { GUARD_REMOVAL, GUARD_TABLE, guardTable, guardUpdate } from '../rules/guard/guard-text.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import type { Guard, GuardReport } from './guard.ts';

const TIMEOUT_MS = 60_000;

async function isInstalled(exec: Exec): Promise<boolean> {
  try {
    return (await exec('nft', ['--version'])).exitCode === 0;
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'config') return false;
    throw error;
  }
}

/** The guard as it is; undefined if there is none. */
async function readGuard(exec: Exec): Promise<FoundGuard | undefined> {
  const result = await exec('nft', ['-s', 'list', 'table', ...GUARD_TABLE.split(' ')], {
    timeoutMs: TIMEOUT_MS,
  });
  return result.exitCode === 0 ? parseGuard(result.stdout) : undefined;
}

/** Sends one transaction. @throws SluiceError `failed`, `internal` (grammar; nothing sent) */
async function send(exec: Exec, text: string): Promise<void> {
  assertGuardText(text);
  const result = await exec('nft', ['-f', '-'], { input: text, timeoutMs: TIMEOUT_MS });
  if (result.exitCode === 0) return;
  const why = result.stderr.trim().split('\n').slice(0, 3).join('; ');
  throw new SluiceError('failed', 'nft refused the guard', { why });
}

/** Why it is not there, as one line; bugs are thrown on. */
function failureLine(error: unknown): string {
  if (!(error instanceof SluiceError) || error.code === 'internal') throw error;
  return `entries are not guarded: ${[error.message, error.why].filter((part) => part !== undefined).join(': ')}`;
}

class NftGuard implements Guard {
  readonly isThere = true;
  readonly notes: readonly string[] = [];
  readonly #exec: Exec;
  /** How this nft prints the frame of a guard that was just written whole; undefined until one was seen. */
  #frame: string | undefined;
  /** What is known to be there; undefined: nothing, or not what it should be. */
  #state: GuardState | undefined;
  #isRead = false;
  /** The ruleset that `#state` was made from, if it was not read. */
  #applied: Ruleset | undefined;
  /** It was away and is back, which the next apply has to tell. */
  #wasRestored = false;

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  async adopt(): Promise<void> {
    const before = this.#applied;
    this.#applied = undefined;
    const found = await readGuard(this.#exec);
    this.#isRead = true;
    if (this.#frame === undefined && found !== undefined) this.#frame = await this.#learnFrame(found);
    this.#state = found !== undefined && found.frame === this.#frame ? found.state : undefined;
    // At once, not after all else was read: without it an answer that arrives ends its connection.
    if (found === undefined && before !== undefined) this.#wasRestored = (await this.#bring(before)).changed;
  }

  /** The words of a frame differ with the version of nft: the guard is written once whole, with what it held, and read back. */
  async #learnFrame(found: FoundGuard): Promise<string | undefined> {
    try {
      await send(this.#exec, guardTable(found.state));
      return (await readGuard(this.#exec))?.frame;
    } catch (error) {
      // What stands there is not ours in shape: the next apply writes it whole, and tells if that fails too.
      if (error instanceof SluiceError) return undefined;
      throw error;
    }
  }

  async apply(ruleset: Ruleset): Promise<GuardReport> {
    const report = await this.#bring(ruleset);
    const changed = report.changed || this.#wasRestored;
    this.#wasRestored = false;
    return { ...report, changed };
  }

  async #bring(ruleset: Ruleset): Promise<GuardReport> {
    if (this.#applied !== undefined && isSameGuard(this.#applied, ruleset))
      return { changed: false, failures: [] };
    this.#applied = undefined;
    const wanted = guardOf(ruleset);
    try {
      if (!this.#isRead) await this.adopt();
      const before = this.#state;
      this.#state = undefined;
      const changed = before === undefined ? await this.#write(wanted) : await this.#update(before, wanted);
      this.#state = wanted;
      this.#applied = ruleset;
      return { changed, failures: [] };
    } catch (error) {
      this.#isRead = false;
      return { changed: false, failures: [failureLine(error)] };
    }
  }

  async #write(wanted: GuardState): Promise<boolean> {
    await send(this.#exec, guardTable(wanted));
    this.#frame ??= (await readGuard(this.#exec))?.frame;
    return true;
  }

  async #update(before: GuardState, wanted: GuardState): Promise<boolean> {
    const deltas = diffGuard(before, wanted);
    if (deltas.length === 0) return false;
    try {
      await send(this.#exec, guardUpdate(deltas));
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code === 'internal') throw error;
      // Somebody changed it behind our back.
      await send(this.#exec, guardTable(wanted));
    }
    return true;
  }

  async dump(): Promise<readonly string[]> {
    const found = await readGuard(this.#exec);
    if (found === undefined) return [];
    const sets = GUARD_SETS.flatMap((set) =>
      [...found.state[set]].toSorted().map((element) => `${set} ${element}`),
    );
    return [...found.frame.trimEnd().split('\n'), ...sets];
  }

  async cleanup(): Promise<void> {
    this.#applied = undefined;
    this.#state = undefined;
    this.#isRead = false;
    if ((await readGuard(this.#exec)) !== undefined) await send(this.#exec, GUARD_REMOVAL);
  }
}

/** For nodes without nft: does nothing. */
const NO_GUARD: Guard = {
  isThere: false,
  notes: [
    'nft is not installed: connections break when somebody flushes the nat table, and entries without instances are refused by the node itself, remote clients included, only where it has no program on that port',
  ],
  adopt: async () => {},
  apply: async () => ({ changed: false, failures: [] }),
  dump: async () => [],
  cleanup: async () => {},
};

/** Opens the guard of the network namespace that `exec` runs in; changes nothing yet. */
export async function openGuard(exec: Exec): Promise<Guard> {
  return (await isInstalled(exec)) ? new NftGuard(exec) : NO_GUARD;
}
