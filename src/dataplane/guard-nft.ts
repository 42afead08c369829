/**
 * Owns the guard in the kernel: the table `inet sluice_guard`, by nft. On a node without nft there is none, and that is said: iptables
 * rules in the filter table instead would be flushed by the same commands that the guard is to survive.
 */
import { SluiceError } from '../errors.ts';
import type { Exec } from '../host/exec.ts';
import { ifInstalled } from '../host/if-installed.ts';
import { assertGuardText } from '../rules/guard/guard-grammar.ts';
import { type FoundGuard, parseGuard } from '../rules/guard/guard-listing.ts';
import {
  diffGuard,
  emptySets,
  GUARD_SETS,
  guardOf,
  type GuardState,
  isSameGuard,
} from '../rules/guard/guard-state.ts';
import {
  GUARD_REMOVAL,
  GUARD_TABLE,
  guardFrame,
  guardTable,
  guardUpdate,
} from '../rules/guard/guard-text.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import type { Guard, GuardReport } from './guard.ts';

const TIMEOUT_MS = 60_000;

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

/** What was asked for. */
interface Wanted {
  readonly ruleset: Ruleset;
  readonly marks: boolean;
}

class NftGuard implements Guard {
  readonly isThere = true;
  readonly notes: readonly string[] = [];
  readonly #exec: Exec;
  /** How this nft prints the frame of a guard that was just written, with marks and without; undefined until one was seen. */
  readonly #frames = new Map<boolean, string>();
  /** What is known to be there; undefined: nothing, or not what it should be. */
  #state: GuardState | undefined;
  #isRead = false;
  /** What `#state` was made from, if it was not read. */
  #applied: Wanted | undefined;
  /** Whether what is there marks packets. */
  #marks = false;
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
    const frame = found === undefined ? undefined : await this.#frameOf(found);
    this.#state = found !== undefined && found.frame === frame ? found.state : undefined;
    this.#marks = found?.marks ?? false;
    // At once, not after all else was read: without it an answer that arrives ends its connection.
    if (found === undefined && before !== undefined) this.#wasRestored = (await this.#bring(before)).changed;
  }

  /** The words of a frame differ with the version of nft: the guard is written once whole, with what it held, and read back. */
  async #frameOf({ frame, marks, state }: FoundGuard): Promise<string | undefined> {
    if (frame === guardFrame(marks)) this.#frames.set(marks, frame);
    if (!this.#frames.has(marks)) {
      try {
        await send(this.#exec, guardTable(state, marks));
        await this.#learnFrame();
      } catch (error) {
        // What stands there is not ours in shape: the next apply writes it whole, and tells if that fails too.
        if (!(error instanceof SluiceError)) throw error;
      }
    }
    return this.#frames.get(marks);
  }

  async #learnFrame(): Promise<void> {
    const written = await readGuard(this.#exec);
    if (written !== undefined) this.#frames.set(written.marks, written.frame);
  }

  async apply(ruleset: Ruleset, marks: boolean): Promise<GuardReport> {
    const report = await this.#bring({ ruleset, marks });
    const changed = report.changed || this.#wasRestored;
    this.#wasRestored = false;
    return { ...report, changed };
  }

  async #bring(asked: Wanted): Promise<GuardReport> {
    const { ruleset, marks } = asked;
    const applied = this.#applied;
    if (applied !== undefined && applied.marks === marks && isSameGuard(applied.ruleset, ruleset))
      return { changed: false, failures: [] };
    this.#applied = undefined;
    const wanted = guardOf(ruleset);
    try {
      if (!this.#isRead) await this.adopt();
      const before = this.#marks === marks ? this.#state : undefined;
      this.#state = undefined;
      const changed =
        before === undefined ? await this.#write(wanted, marks) : await this.#update(before, wanted);
      [this.#state, this.#marks] = [wanted, marks];
      this.#applied = asked;
      return { changed, failures: [] };
    } catch (error) {
      this.#isRead = false;
      return { changed: false, failures: [failureLine(error)] };
    }
  }

  async #write(wanted: GuardState, marks: boolean): Promise<boolean> {
    if (!this.#frames.has(marks)) {
      // Learned from an empty one: listing 10,000 entries takes nft longer than writing them.
      await send(this.#exec, guardTable(emptySets(), marks));
      await this.#learnFrame();
    }
    await send(this.#exec, guardTable(wanted, marks));
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
      await send(this.#exec, guardTable(wanted, this.#marks));
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
    'nft is not installed: connections break when somebody flushes the nat table, entries without instances are refused by the node itself, remote clients included, only where it has no program on that port, and connections to an instance whose program just ended are refused',
  ],
  adopt: async () => {},
  apply: async () => ({ changed: false, failures: [] }),
  dump: async () => [],
  cleanup: async () => {},
};

/** Opens the guard of the network namespace that `exec` runs in; changes nothing yet. */
export async function openGuard(exec: Exec): Promise<Guard> {
  const version = await ifInstalled(async () => exec('nft', ['--version']));
  return version?.exitCode === 0 ? new NftGuard(exec) : NO_GUARD;
}
