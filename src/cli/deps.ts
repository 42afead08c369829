/** Owns what the command line gets from the process edge (main.ts) or from a test: streams, time, the store, and who is asking. */
import type { Clock } from '../host/clock.ts';
import type { DevPrograms } from '../dev/options.ts';
import type { Exec } from '../host/exec.ts';
import type { ServableStore } from '../store/lease-calls.ts';
import type { Io } from './io.ts';
import type { ConfigPaths, Settings } from './settings.ts';

/** What opening a store needs of the settings. */
export type StoreSettings = Pick<
  Settings,
  'endpoints' | 'servers' | 'prefix' | 'cacert' | 'cert' | 'key' | 'user' | 'passwordFile' | 'tokenFile'
>;

/** Everything a run touches besides its arguments. */
export interface CliDeps {
  readonly io: Io;
  readonly clock: Clock;
  /** Aborted by SIGINT or SIGTERM with a SluiceError `interrupted` or `terminated` as its reason. */
  readonly signal: AbortSignal;
  /** Opens the store; must not connect before its first call. */
  readonly openStore: (settings: StoreSettings) => Promise<ServableStore>;
  /** A fresh request id each call. */
  readonly newId: () => string;
  /** A fresh secret each call, 43 characters of base64url. */
  readonly newSecret: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Who asks: login name and machine, for the audit record. */
  readonly actor: string;
  readonly host: string;
  readonly configPaths: ConfigPaths;
  /** Command lines of this very program and of those that `sluice dev` starts. */
  readonly programs: DevPrograms;
  /** Runs programs that read this node: explain, verify, doctor. */
  readonly exec: Exec;
  /** User id of this process, and its own id. */
  readonly uid: number;
  readonly pid: number;
  /** Calls `resync` on SIGHUP; returns how to stop listening. */
  readonly onResync: (resync: () => void) => () => void;
  /** Writes the stack of a bug to a file and gives its path; undefined if that is not possible. */
  readonly writeBugLog: (stack: string) => Promise<string | undefined>;
}
