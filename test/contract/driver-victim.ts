/**
 * Owns a small agent of its own process, for tests that kill it or give it a full disk: `start DRIVER ROOT USER ID...` starts instances one after the
 * other; `fill DRIVER ROOT USER ID` starts one that writes without end, and tells as JSON what became of it.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import type { StartOrder } from '../../src/runtime/driver.ts';
import { defaultScript, openTested, TEST_IMAGE, type TestedDriver } from './driver-openers.ts';

const [mode, name = '', root = '', user = '', ...ids] = process.argv.slice(2);
const NAMES: readonly TestedDriver[] = ['process', 'systemd', 'podman'];
const tested = NAMES.find((one) => one === name) ?? 'process';
const said: string[] = [];
const say = (message: string): void => void said.push(message);
const driver = await openTested(tested, {
  root,
  clock: systemClock,
  log: { debug: say, info: say, warn: say, error: say },
  admit: (_, { command, workingDirectory }) =>
    Promise.resolve({ command, hooks: undefined, workingDirectory }),
});

const order = (id: string, script: string): StartOrder => ({
  id,
  service: 'web',
  command: ['/bin/sh', '-c', script],
  env: { PATH: '/usr/bin:/bin' },
  workingDirectory: '/',
  image: tested === 'podman' ? TEST_IMAGE : undefined,
  user,
  ip: '127.0.0.1',
  port: 20_001,
  limits: {},
  logs: { maxBytes: 400_000, keep: 2 },
});

async function fill(id: string): Promise<object> {
  await driver.start(
    order(id, 'while :; do echo 0123456789012345678901234567890123456789; done 2>/dev/null'),
  );
  const file = path.join(root, 'instances', id, 'stdout.log');
  const deadline = performance.now() + 20_000;
  const isFull = (): boolean => said.some((line) => line.includes('cannot be rotated'));
  while (!isFull() && performance.now() < deadline) await systemClock.sleep(20);
  const size = statSync(file).size;
  await systemClock.sleep(2_500); // two more looks at the file, which must say nothing again
  const [found] = await driver.list();
  const exit = await driver.stop(id, { signal: 'SIGTERM', graceMs: 5_000 });
  const shrunk = statSync(file).size < size;
  await driver.remove(id);
  return { said, kind: found?.kind, size, shrunk, exit };
}

process.stdout.write('up\n');
if (mode === 'fill') process.stdout.write(JSON.stringify(await fill(ids[0] ?? '')));
else for (const id of ids) await driver.start(order(id, defaultScript(tested)));
await driver.close();
