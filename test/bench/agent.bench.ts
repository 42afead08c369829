/**
 * Owns measuring a real agent that holds 10,000 services of 5 instances: from an event of the store to the end of the kernel's transaction,
 * beside that transaction alone on another node with the same rules; its memory; and what it costs while nothing happens.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import { openNftables } from '../../src/dataplane/nftables/nftables.ts';
import { createHelper } from '../../src/dataplane/nftables/resident-nft.ts';
import type { Child } from '../../src/dev/child.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createCoprocess } from '../../src/host/coprocess.ts';
import { openPipe, type OpenPipe } from '../../src/host/pipe.ts';
import { waitUntil } from '../../src/host/wait.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { encodeInstance, encodeService } from '../../src/model/records-service.ts';
import type { EntryRules, Ruleset } from '../../src/rules/ruleset.ts';
import { instanceKey, serviceKey } from '../../src/store/keys.ts';
import type { Operation, Store } from '../../src/store/store.ts';
import { type LabStore, openLabStore, specOf, startAgent } from '../cluster/harness/control.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { recordFigures } from './figures.ts';
import { median } from './paired.ts';
import { cpuMs, rssMb } from './process-use.ts';

/** Fewer, or more services, to try something out. */
const SERVICES = Number(process.env['AGENT_SERVICES'] ?? 10_000);
const CHANGES = Number(process.env['AGENT_CHANGES'] ?? 30);
const IDLE_SECONDS = Number(process.env['AGENT_IDLE_SECONDS'] ?? 30);
const IS_SHORT = process.env['AGENT_IDLE_SECONDS'] !== undefined;
/** A minute after its start the agent looks once at everything; garbage of that is collected within half a minute. */
const LOOK_MS = IS_SHORT ? { before: 3_000, after: 3_000 } : { before: 57_000, after: 105_000 };

/** Changes that are not measured: programs are started, functions compiled. */
const WARM_UP = 10;

/** A transaction of etcd takes 128 operations. */
const SERVICES_PER_WRITE = 20;
/** Writes at the same time. */
const WRITES = 8;

type Layout = 'iptables' | 'nftables';

const entryIp = (at: number): string => `10.${96 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;

/** Service number `at`; its last weight differs by `round`. */
const specAt = (at: number, round: number): ServiceSpec =>
  specOf(
    `s${at}`,
    `${entryIp(at)}:80`,
    [1, 2, 7, 4, 1 + round].map(
      (weight, i) => `10.${128 + i}.${(at >> 8) & 255}.${at & 255}:${8080 + (at >> 16)}=${weight}`,
    ),
  );

const rulesOf = ({ name, entries, instances, masquerade }: ServiceSpec): EntryRules => {
  const [entry = { ip: '', port: 0, protocol: 'tcp' as const }] = entries;
  return { entry, service: name, masquerade, targets: instances };
};

/** What the store holds of a service, the last instance last. */
function putsOf(spec: ServiceSpec): readonly Operation[] {
  const { name, entries, masquerade, instances } = spec;
  const stored = { origin: 'static', createdAt: '2026-01-01T00:00:00.000Z' } as const;
  const service = encodeService({ ...stored, name, entries, masquerade });
  return [
    { kind: 'put', key: serviceKey(name), value: service },
    ...instances.map(({ ip, port, weight }): Operation => {
      const id = `${ip}:${port}`;
      const value = encodeInstance({ ...stored, service: name, id, ip, port, weight, state: 'ready' });
      return { kind: 'put', key: instanceKey(name, id), value };
    }),
  ];
}

/** Writes past the use cases, which do not promise to be quick for 10,000 services at once. @returns the revision */
async function put(store: Store, operations: readonly Operation[]): Promise<number> {
  const answer = await store.transact({ compares: [], operations });
  if (answer.kind === 'conflict') throw new Error('a write without conditions conflicts');
  return answer.revision;
}

async function writeAll(store: Store): Promise<number> {
  let revision = 0;
  for (let start = 0; start < SERVICES; start += SERVICES_PER_WRITE * WRITES) {
    const writes = Array.from({ length: WRITES }, async (_, write) => {
      const first = start + write * SERVICES_PER_WRITE;
      const many = Array.from(
        { length: Math.max(0, Math.min(SERVICES_PER_WRITE, SERVICES - first)) },
        (__, i) => first + i,
      );
      return many.length === 0
        ? 0
        : await put(
            store,
            many.flatMap((at) => putsOf(specAt(at, 0))),
          );
    });
    revision = Math.max(revision, ...(await Promise.all(writes)));
  }
  return revision;
}

/** The same rules on a node without an agent; `bare` sends the last transaction again. */
interface Twin {
  readonly apply: (ruleset: Ruleset) => Promise<void>;
  readonly bare: () => Promise<void>;
  readonly close: () => void;
}

async function openTwin(layout: Layout, { ns }: Workplace): Promise<Twin> {
  if (layout === 'nftables') {
    let last = '';
    const inside: OpenPipe = (file, args, env) => {
      const [nsenter = '', ...argv] = ns.enter([file, ...args]);
      return openPipe(nsenter, argv, env);
    };
    const helper = createHelper(inside);
    const plane = openNftables({
      exec: ns.exec,
      node: 'twin',
      openPipe: (...options) => {
        const pipe = inside(...options);
        return {
          ...pipe,
          write: (text) => {
            [last = ''] = text.split('\n');
            pipe.write(text);
          },
        };
      },
    });
    return {
      apply: async (ruleset) => void (await plane.apply(ruleset, {})),
      bare: async () => await helper.run(last),
      close: helper.close,
    };
  }
  let last = '';
  const [nsenter = '', ...argv] = ns.enter(['iptables-nft-restore', '--noflush', '-w', '5']);
  const coprocess = createCoprocess([nsenter, ...argv], { isAhead: true });
  const plane = await openIptables(ns.exec, {
    runRestore: async (_program, text) => {
      last = text;
      return await coprocess.run(text, 60_000);
    },
  });
  return {
    apply: async (ruleset) => void (await plane.apply(ruleset, {})),
    bare: async () => void (await coprocess.run(last, 60_000)),
    close: coprocess.close,
  };
}

/** The first characters of a file. */
async function headOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(300), 0, 300, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

describe('an agent with many services', () => {
  const lab = useLab({ nodes: 4, etcd: 1 });
  let control: LabStore;
  let revision = 0;

  beforeAll(async () => {
    control = await openLabStore(lab());
    revision = await writeAll(control.store);
  });
  afterAll(async () => {
    await control.close();
  });

  /** Changes the weight of the last instance; what the agent says it took until the kernel had it, in ms. */
  const change = async (agent: Child, spec: ServiceSpec): Promise<number> => {
    revision = await put(control.store, putsOf(spec).slice(-1));
    const line = await waitUntil(
      () => new RegExp(`rules applied revision=${revision} .*tookMs=([0-9.]+)`).exec(agent.stderr())?.[1],
      { what: 'the agent to apply', timeoutMs: 20_000, everyMs: 20, facts: () => agent.stderr() },
    );
    return Number(line);
  };

  it.each([
    ['iptables', 1, 2],
    ['nftables', 3, 4],
  ] as const)('with %s', { timeout: 280_000 }, async (layout, at, twinAt) => {
    const agent = await startAgent(lab(), lab().node(at), { dataplane: layout });
    const began = performance.now();
    await waitConverged(control.deps, revision, { timeoutMs: 120_000 });
    const twin = await openTwin(layout, lab().node(twinAt));
    let entries = Array.from({ length: SERVICES }, (_, n) => rulesOf(specAt(n, 0)));
    await twin.apply({ entries });
    const [whole, alone]: [number[], number[]] = [[], []];
    for (let round = 1; round <= CHANGES + WARM_UP; round += 1) {
      const n = (round * 97) % SERVICES;
      // Another weight than the other layout left in the store.
      const spec = specAt(n, at * 1_000 + round);
      const tookMs = await change(agent, spec);
      entries = entries.with(n, rulesOf(spec));
      await twin.apply({ entries });
      const started = performance.now();
      await twin.bare();
      if (round <= WARM_UP) continue;
      alone.push(performance.now() - started);
      whole.push(tookMs);
    }
    twin.close();
    const saved = path.join(lab().node(at).folder, 'state/snapshot.json');
    await waitUntil(async () => (await headOf(saved)).includes(`"revision":${revision}`), {
      what: 'the last change to be saved',
      timeoutMs: 60_000,
      everyMs: 500,
    });
    const until = (ms: number): Promise<void> => systemClock.sleep(ms - (performance.now() - began));
    await until(LOOK_MS.before);
    const [beforeLook, sinceMs] = [cpuMs(agent.pid), performance.now()];
    await until(LOOK_MS.after);
    const before = cpuMs(agent.pid);
    const aroundMs = performance.now() - sinceMs;
    await systemClock.sleep(IDLE_SECONDS * 1_000);
    const idle = (cpuMs(agent.pid) - before) / (IDLE_SECONDS * 10);
    // What the look took beyond what is taken anyway.
    const lookMs = Math.max(0, before - beforeLook - (idle / 100) * aroundMs);
    const [rss, peak] = [rssMb(agent.pid), rssMb(agent.pid, 'VmHWM')];
    await agent.stop('SIGTERM');
    const ratio = median(whole) / median(alone);
    const missed = recordFigures(`Agent: ${layout}, ${SERVICES} services × 5`, [
      {
        what: `event in → kernel transaction done, one weight, median of ${CHANGES}, ÷ the transaction alone`,
        measured: `${ratio.toFixed(2)} × (${median(whole).toFixed(1)} ÷ ${median(alone).toFixed(1)} ms)`,
        target: '≤ 1.3 ×',
        met: ratio <= 1.3,
      },
      {
        what: 'memory of the agent (RSS) after that; at its peak',
        measured: `${rss.toFixed(0)} MB; ${peak.toFixed(0)} MB`,
        target: '≤ 150 MB',
        met: rss <= 150,
      },
      {
        what: `processor while nothing happens, with everything it started, over ${IDLE_SECONDS} s`,
        measured: `${idle.toFixed(2)} % of a core`,
        target: '≤ 0.5 %',
        met: idle <= 0.5,
      },
      {
        what: 'a look at everything, with the collections after it: processor (the next one is a thousand times as far away as it lasts)',
        measured: `${(lookMs / 1_000).toFixed(1)} s`,
        target: 'none',
        met: true,
      },
    ]);
    expect(missed).toEqual([]);
  });
});
