/** Owns a session: what the body of one command works with, made from the resolved settings. */
import type { Command } from 'commander';
import type { ReadDeps, WriteDeps } from '../ops/deps.ts';
import type { Store } from '../store/store.ts';
import { useColor } from './color-choice.ts';
import type { CliDeps } from './deps.ts';
import { isTerminal } from './io.ts';
import { createNotes, type Notes } from './notes.ts';
import { type Palette, paletteFor } from './palette.ts';
import { type Settings, settingsOf } from './settings.ts';

/** What the body of a command works with. */
export interface Session {
  readonly deps: CliDeps;
  readonly settings: Settings;
  /** Aborted by signals and, for commands that read, when `--timeout` has passed. */
  readonly signal: AbortSignal;
  readonly notes: Notes;
  /** Palettes of the two streams. */
  readonly outPalette: Palette;
  readonly errPalette: Palette;
  /** The command that runs, its options resolved from every source. */
  readonly command: Command;
  /** The arguments as typed, without node and script. */
  readonly argv: readonly string[];
  /** The command line as typed, for the audit record. No flag takes a secret. */
  readonly commandLine: string;
  /** Opens the store once; closed when the command ends. */
  readonly store: () => Promise<Store>;
}

/** A session and how to end it. */
export interface OpenSession {
  readonly session: Session;
  /** Closes the store if it was opened; bounded, never throws. */
  readonly close: () => Promise<void>;
}

/** Makes the session of a command whose options are resolved. */
export async function openSession(
  deps: CliDeps,
  command: Command,
  run: { readonly argv: readonly string[]; readonly signal: AbortSignal },
): Promise<OpenSession> {
  const settings = settingsOf(command);
  const { io } = deps;
  const [outPalette, errPalette] = await Promise.all([
    paletteFor(useColor(settings.color, io.env, isTerminal(io.stdout))),
    paletteFor(useColor(settings.color, io.env, isTerminal(io.stderr))),
  ]);
  let opened: Promise<Store> | undefined;
  const session: Session = {
    deps,
    command,
    settings,
    signal: run.signal,
    argv: run.argv,
    notes: createNotes(io, settings, errPalette),
    outPalette,
    errPalette,
    commandLine: ['sluice', ...run.argv].map(quoteWord).join(' '),
    store: async () => {
      opened ??= deps.openStore(settings);
      return opened;
    },
  };
  return {
    session,
    close: async () => {
      const store = await opened?.catch(() => undefined);
      await store?.close();
    },
  };
}

/** A word as one would type it in a shell. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What reading use cases need. */
export async function readDeps(session: Session): Promise<ReadDeps> {
  return { store: await session.store(), clock: session.deps.clock };
}

/** What writing use cases need. */
export async function writeDeps(session: Session): Promise<WriteDeps> {
  const { newId, random, actor, host } = session.deps;
  return {
    ...(await readDeps(session)),
    newId,
    random,
    origin: { actor, host, command: session.commandLine },
  };
}
