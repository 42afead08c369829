/** Owns what tests of managed instances share: a node that may run the labs' instance program, the leader's words, its processes. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Child } from '../../../src/dev/child.ts';
import type { Workplace } from '../../../src/dev/machine.ts';
import { processesInside } from '../../../src/host/netns.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import type { Assignment, StopOrder } from '../../../src/model/assignment.ts';
import { encodeAssignment } from '../../../src/model/records-assignment.ts';
import { decodeInstance, encodeService } from '../../../src/model/records-service.ts';
import type { Instance, InstanceState } from '../../../src/model/service.ts';
import { templateOf, type TemplateInput } from '../../../src/model/template-defaults.ts';
import { templateHash } from '../../../src/model/template-hash.ts';
import { assignmentKey, instanceKey, instancesOf, serviceKey } from '../../../src/store/keys.ts';
import type { Operation, Store } from '../../../src/store/store.ts';
import { SluiceError } from '../../../src/errors.ts';
import { type AgentStart, type LabStore, openLabStore, startAgent } from './control.ts';
import type { Lab } from './lab.ts';
import { programArgv } from './programs.ts';

/** A service of these tests. */
interface WorldService {
  readonly name: string;
  readonly entryIp: string;
}

const WEB: WorldService = { name: 'web', entryIp: '10.96.0.10' };
const ENTRY_PORT = 80;

/** What every instance runs: the labs' server, asked twice a second over HTTP. */
const TEMPLATE: TemplateInput = {
  command: [...programArgv('instance'), '{id}', '{ip}', '{port}'],
  probe: { kind: 'http', intervalSeconds: 0.5, timeoutSeconds: 1, startSeconds: 30 },
  graceSeconds: 5,
  drainSeconds: 60,
  user: 'root',
};

/** A lab in which a node runs instances. */
export interface InstanceWorld {
  readonly control: LabStore;
  /** Starts an agent that may run the program. */
  readonly agent: (node: Workplace, start?: AgentStart) => Promise<Child>;
  readonly assign: (
    node: Workplace,
    id: string,
    change?: { readonly template?: TemplateInput; readonly stop?: StopOrder },
  ) => Promise<void>;
  readonly unassign: (node: Workplace, id: string) => Promise<void>;
  /** Waits until all of these are in a state; undefined: have no record. */
  readonly states: (ids: readonly string[], state: InstanceState | undefined) => Promise<readonly Instance[]>;
  /** Main processes of an instance on a node. */
  readonly pids: (node: Workplace, id: string) => readonly number[];
  readonly close: () => Promise<void>;
}

/** Words of a process, or none if it is gone. */
function wordsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Writes what may be written twice: a busy machine loses answers. */
async function write(store: Store, operations: readonly Operation[]): Promise<void> {
  const tryOnce = async (): Promise<boolean> => {
    try {
      await store.transact({ compares: [], operations });
      return true;
    } catch (error) {
      if (error instanceof SluiceError && ['unknown', 'unavailable'].includes(error.code)) return false;
      throw error;
    }
  };
  await waitUntil(tryOnce, { what: 'a write to the store', timeoutMs: 30_000, everyMs: 100 });
}

/** Main processes of an instance on a node. */
export function instancePids(node: Workplace, id: string): readonly number[] {
  const [, program = ''] = programArgv('instance');
  return processesInside([node.ns.inode]).filter((pid) => {
    const words = wordsOf(pid);
    return words[1] === program && words[2] === id;
  });
}

/** The node's policy: the program, as root (the labs' namespaces have no other user). */
export async function writePolicy(node: Workplace): Promise<string> {
  const file = path.join(node.folder, 'policy.yaml');
  const lines = [
    'drivers: [process]',
    `commands: ["${process.execPath}", /usr/bin/perl]`,
    'users: [root]',
    'allowRoot: true',
    'ports: ["20000-29999"]',
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** Publishes the service, without instances. */
export async function openInstanceWorld(lab: Lab, of = WEB): Promise<InstanceWorld> {
  const control = await openLabStore(lab);
  const { store } = control;
  const createdAt = new Date().toISOString();
  const put = async (key: string, value: string): Promise<void> => {
    await write(store, [{ kind: 'put', key, value }]);
  };
  const { name } = of;
  const entries = [{ ip: of.entryIp, port: ENTRY_PORT, protocol: 'tcp' as const }];
  const service = { name, entries, origin: 'managed' as const, masquerade: false, createdAt };
  const template = templateOf(TEMPLATE);
  await put(serviceKey(name), encodeService({ ...service, replicas: 0, template }));
  return {
    control,
    agent: async (node, { more = [], ...start } = {}) => {
      const policy = await writePolicy(node);
      return await startAgent(lab, node, { ...start, more: ['--policy', policy, ...more] });
    },
    assign: async (node, id, change = {}) => {
      const asked = templateOf({ ...TEMPLATE, ...change.template });
      const assignment: Assignment = {
        node: node.name,
        service: name,
        id,
        template: asked,
        weight: 100,
        createdAt,
        templateHash: templateHash(asked),
        stop: change.stop,
      };
      await put(assignmentKey(node.name, name, id), encodeAssignment(assignment));
    },
    unassign: async (node, id) => {
      const keys = [assignmentKey(node.name, name, id), instanceKey(name, id)];
      await write(
        store,
        keys.map((key) => ({ kind: 'delete', key })),
      );
    },
    states: async (ids, state) => {
      let seen = '';
      return await waitUntil(
        async () => {
          const { items } = await store.list(instancesOf(name));
          const all = items.map(
            ({ key, value }) => decodeInstance(name, key.split('/')[2] ?? '', value).value,
          );
          seen = all.map((one) => `${one.id}: ${one.state} (${one.why ?? ''})`).join(', ');
          const found = ids.flatMap((id) => all.find((one) => one.id === id) ?? []);
          if (state === undefined) return found.length === 0 ? found : undefined;
          return found.length === ids.length && found.every((one) => one.state === state) ? found : undefined;
        },
        {
          what: `${ids.join(', ')} to be ${state ?? 'gone'}`,
          timeoutMs: 40_000,
          everyMs: 50,
          facts: () => seen,
        },
      );
    },
    pids: instancePids,
    close: control.close,
  };
}
