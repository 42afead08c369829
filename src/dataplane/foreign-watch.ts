/**
 * Owns noticing that somebody changed the kernel's tables or routes: a program of ours sees every nf_tables commit, native nft's too;
 * iptables-legacy has no events. Must not repair.
 */
import type { Clock } from '../host/clock.ts';
import { followLines } from '../host/lines.ts';
import { type Commit, commitReader, goneRoute } from '../rules/foreign-commit.ts';
import { TABLE_WATCH_PROGRAM } from './table-watch-program.ts';

/** Whom to tell. Handlers must not throw. */
export interface WatchHandlers {
  /** Anybody's commit, ours included. */
  readonly onCommit: (commit: Commit) => void;
  /** A host route (its address) or the device of our routes (its name) is gone, also by our own doing. */
  readonly onRouteGone: (what: string) => void;
  /** Events may have been missed. */
  readonly onMissed: () => void;
  /** Watching, or not for a reason. */
  readonly onState: (watching: boolean, why: string) => void;
}

/** Where to watch. */
export interface WatchOptions {
  readonly clock: Clock;
  /** Command line in front of the programs, to watch another network namespace. */
  readonly inside?: readonly string[] | undefined;
}

/** A running watch. */
export interface ForeignWatch {
  readonly close: () => Promise<void>;
}

/** Starts watching; whether that works is told by `onState`. */
export function watchForeign(options: WatchOptions, handlers: WatchHandlers): ForeignWatch {
  const { clock, inside = [] } = options;
  const read = commitReader();
  const tables = followLines({
    argv: [...inside, 'perl', '-e', TABLE_WATCH_PROGRAM],
    clock,
    onLine: (line) => {
      if (line === 'missed') return handlers.onMissed();
      const commit = read(line);
      if (commit !== undefined) handlers.onCommit(commit);
    },
    onUp: (again) => {
      handlers.onState(true, '');
      if (again) handlers.onMissed();
    },
    onDown: (why) => handlers.onState(false, why),
  });
  const routes = followLines({
    argv: [...inside, 'ip', '-o', 'monitor', 'route', 'link'],
    clock,
    onLine: (line) => {
      const what = goneRoute(line);
      if (what !== undefined) handlers.onRouteGone(what);
    },
    onUp: (again) => {
      if (again) handlers.onMissed();
    },
    onDown: () => {},
  });
  return {
    close: async () => {
      await Promise.all([tables.close(), routes.close()]);
    },
  };
}
