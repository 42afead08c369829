/** Owns Sluice as a contender: its own data plane, opened as the agent opens it, guard included. */
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Dataplane } from '../../../src/dataplane/dataplane.ts';
import { restoreByExec } from '../../../src/dataplane/iptables/nat-table.ts';
import { createHelper } from '../../../src/dataplane/nftables/resident-nft.ts';
import { openDataplane } from '../../../src/dataplane/open.ts';
import { openLayout } from '../../../src/dataplane/open-layout.ts';
import type { Exec } from '../../../src/host/exec.ts';
import { openPipe, type OpenPipe } from '../../../src/host/pipe.ts';
import type { EntryRules } from '../../../src/rules/ruleset.ts';
import { type Contender, nodeExec, type Serving, timed } from './contender.ts';
import { entryRules, reweighted } from './services.ts';
import type { Lane } from './world.ts';

/** Which rules, and with the guard or, to see what that costs, without. */
export interface SluiceKind {
  readonly layout: 'iptables-nft' | 'iptables-legacy' | 'nftables';
  readonly isGuarded?: boolean;
}

/** PATH on which plain `iptables` is the legacy one, which is how a node says that it uses that. */
async function legacyPath(folder: string): Promise<string> {
  const file = path.join(folder, 'iptables');
  await writeFile(file, '#!/bin/sh\nexec iptables-legacy "$@"\n');
  await chmod(file, 0o755);
  return `${folder}:${process.env['PATH'] ?? ''}`;
}

/** A plane, and its last transaction again by a program started for it. */
interface Opened {
  readonly plane: Dataplane;
  readonly bare: () => Promise<unknown>;
  readonly peakOf: (act: () => Promise<unknown>) => Promise<number>;
  /** What programs took so far: all of them, and those for the guard. */
  readonly spent: () => { readonly runs: number; readonly ms: number; readonly guardMs: number };
}

async function open(lane: Lane, { layout, isGuarded = true }: SluiceKind): Promise<Opened> {
  const env = layout === 'iptables-legacy' ? { PATH: await legacyPath(lane.folder) } : {};
  const { exec: plainExec, peakOf } = nodeExec(lane, env);
  const spent = { runs: 0, ms: 0, guardMs: 0 };
  const exec: Exec = async (program, args, options) => {
    const started = performance.now();
    const result = await plainExec(program, args, options);
    const ms = performance.now() - started;
    spent.runs += 1;
    spent.ms += ms;
    const isGuards = args.includes('sluice_guard') || options?.input?.includes('sluice_guard') === true;
    if (isGuards) spent.guardMs += ms;
    return result;
  };
  let bare: (() => Promise<unknown>) | undefined;
  const plainPipe: OpenPipe = (file, args, more) =>
    openPipe('nsenter', ['-t', String(lane.node.pid), '-n', '--', file, ...args], more);
  // What apply has resident is resident here too.
  const helper = createHelper(plainPipe);
  const pipeInside: OpenPipe = (...args) => {
    const pipe = plainPipe(...args);
    return {
      ...pipe,
      write: (text) => {
        const [line = ''] = text.split('\n');
        bare = async () => await helper.run(line);
        pipe.write(text);
      },
    };
  };
  const restore = restoreByExec(exec);
  const options = {
    asked: layout === 'nftables' ? layout : ('iptables' as const),
    exec,
    openPipe: pipeInside,
    runRestore: async (program: string, text: string) => {
      bare = async () => await restore(program, text);
      return await restore(program, text);
    },
    node: 'n1',
  };
  const { dataplane: plane } = isGuarded ? await openDataplane(options) : await openLayout(options);
  if (plane.name !== layout) throw new Error(`${plane.name} was opened, not ${layout}`);
  return { plane, bare: async () => await bare?.(), peakOf, spent: () => ({ ...spent }) };
}

/** Sluice on the node of a lane. */
export function sluice(kind: SluiceKind): Contender {
  return async (lane, services): Promise<Serving> => {
    const { plane, bare, peakOf, spent } = await open(lane, kind);
    const facts = { nodeIpv4: lane.nodeIpv4 };
    let entries: readonly EntryRules[] = services.map(entryRules);
    let ms = 0;
    const apply = async (next: readonly EntryRules[]): Promise<number> =>
      await timed(async () => {
        const { failures } = await plane.apply({ entries: next }, facts);
        if (failures.length > 0) throw new Error(failures.join('; '));
        entries = next;
      });
    const opened = spent();
    // First without routes: 10,000 of them take longer than the rules.
    const peakMb = await peakOf(async () => {
      ms = await timed(async () => await plane.apply({ entries }, {}));
    });
    const loaded = spent();
    const [inPrograms, forGuard] = [loaded.ms - opened.ms, loaded.guardMs - opened.guardMs];
    const note = `${inPrograms.toFixed(0)} ms in ${loaded.runs - opened.runs} programs, ${forGuard.toFixed(0)} ms of it the guard`;
    await apply(entries);
    const changed = (ats: readonly number[], n: number): readonly EntryRules[] => {
      const wanted = new Set(ats);
      return entries.map((before, at) => {
        const service = services[at];
        return wanted.has(at) && service !== undefined ? entryRules(reweighted(service, n)) : before;
      });
    };
    return {
      load: { ms, peakMb, note },
      changeWhole: async (at, n) => await apply(changed([at], n)),
      change: async () => await timed(bare),
      changeMany: async (ats, n) => await apply(changed(ats, n)),
      add: async (service) => await apply([...entries, entryRules(service)]),
      readBack: async () => await timed(async () => await plane.adopt()),
    };
  };
}
