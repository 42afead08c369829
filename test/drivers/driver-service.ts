/** Owns what tests of whole services on a driver share: nodes that may use it, its template, what their monitors measure of its instances. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workplace } from '../../src/dev/machine.ts';
import { decodeLoad, type InstanceLoad } from '../../src/model/load.ts';
import type { DriverName } from '../../src/model/template.ts';
import { findProgram } from '../../src/runtime/launch/program.ts';
import { LOADS } from '../../src/store/keys.ts';
import { TEST_IMAGE } from '../contract/driver-openers.ts';
import type { AgentStart, LabStore } from '../cluster/harness/control.ts';
import { workingProgram } from '../cluster/harness/working-instance.ts';

/** A request costs some milliseconds of processor. */
const COUNT = '40000';

/** Start, stop and status of the working instance, for driver exec: what `start` leaves is found by a file with its pid. */
const EXEC_SCRIPT = String.raw`file=$1/$SLUICE_INSTANCE_ID.pid
case $SLUICE_ACTION in
start) setsid /usr/bin/perl "$2" "$SLUICE_IP" "$SLUICE_PORT" ${COUNT} none </dev/null & echo $! >"$file" ;;
stop) kill "$(cat "$file")" 2>/dev/null; exit 0 ;;
status)
  read -r pid <"$file" || exit 3
  case $(sed 's/.*) \(.\).*/\1/' "/proc/$pid/stat" 2>/dev/null) in '' | Z | X) exit 3 ;; esac ;;
esac
`;

/**
 * How the agent of a node is started: it may use every driver. systemd runs its units in its own network, which on a real node is the agent's, too;
 * here each node has one, so a systemd-run before the real one puts units into it.
 */
export async function agentOf(node: Workplace): Promise<AgentStart> {
  const policy = path.join(node.folder, 'policy.yaml');
  const lines = [
    'drivers: [process, exec, systemd, podman]',
    'commands: [/usr/bin/perl, /bin/sh, /usr/bin/sh, /usr/bin/dash]',
    `images: ["${TEST_IMAGE}"]`,
    `directories: ["${node.folder}"]`,
    'users: [root]',
    'allowRoot: true',
  ];
  await writeFile(policy, `${lines.join('\n')}\n`, { mode: 0o600 });
  const { path: real } = await findProgram('systemd-run', process.env['PATH']);
  const programs = path.join(node.folder, 'bin');
  await mkdir(programs);
  const wrapper = path.join(programs, 'systemd-run');
  await writeFile(
    wrapper,
    `#!/bin/sh\nexec ${real} --property=NetworkNamespacePath=/proc/${node.ns.pid}/ns/net "$@"\n`,
  );
  await chmod(wrapper, 0o755);
  return { more: ['--policy', policy], env: [`PATH=${programs}:${process.env['PATH'] ?? ''}`] };
}

const words = (program: string): readonly string[] => [
  '/usr/bin/perl',
  program,
  '{ip}',
  '{port}',
  COUNT,
  'none',
];

/**
 * Spec of a service of working instances on a driver, as a file for `publish`.
 * @param driver the image of containers has perl, and the program in /tmp
 */
export async function specFile(
  folder: string,
  service: { readonly name: string; readonly entry: string; readonly driver: DriverName },
): Promise<string> {
  const { name, entry, driver } = service;
  const program = await workingProgram(folder);
  const script = path.join(folder, 'instance.sh');
  await writeFile(script, EXEC_SCRIPT, { mode: 0o644 });
  const hook = ['/bin/sh', script, folder, program];
  const programs: Readonly<Partial<Record<DriverName, object>>> = {
    exec: { command: hook, hooks: { stop: hook, status: hook } },
    podman: { image: TEST_IMAGE, command: words('/tmp/working-instance.pl') },
  };
  const template = {
    driver,
    ...(programs[driver] ?? { command: words(program) }),
    user: 'root',
    probe: { kind: 'http', path: '/stats', interval: '1s', timeout: '20s' },
    // The first process of a container has no handler for TERM.
    grace: '1s',
  };
  const file = path.join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify({ kind: 'Service', name, entries: [entry], replicas: 2, template }));
  return file;
}

/** What monitors last measured of the instances of a service, by id. */
export async function measured(
  { store }: LabStore,
  service: string,
): Promise<ReadonlyMap<string, InstanceLoad>> {
  const { items } = await store.list(LOADS, { timeoutMs: 20_000 });
  const found = items.flatMap(({ key, value }) => {
    const { instances } = decodeLoad(key.slice(LOADS.start.length), value).value;
    return Object.entries(instances).filter(([name]) => name.startsWith(`${service}/`));
  });
  return new Map(found.map(([name, load]) => [name.slice(service.length + 1), load]));
}
