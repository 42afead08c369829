import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { prefixRange } from '../../src/store/keys.ts';
import {
  instanceBody,
  type RegistryServer,
  type RegistryWorld,
  startRegistryWorld,
} from './registry-world.ts';
import { eventually } from './store-world.ts';

const PROGRAM = fileURLToPath(new URL('../clients/eureka/client.mjs', import.meta.url));
/** Clients with the app that each uses. */
const CLIENTS = [
  ['@rocketsoftware/eureka-js-client', 'rocket'],
  ['eureka-js-client', 'plain'],
  ['nestjs-eureka', 'nest'],
  ['eureka-nodejs-client', 'axios'],
] as const;

/** A client as a process. */
interface Client {
  readonly ask: (line: string) => Promise<unknown>;
  readonly end: () => void;
}

async function startClient(name: string, app: string, servers: readonly string[]): Promise<Client> {
  const options = { app, id: `${app}:1`, ip: '10.0.1.1', port: 8080, servers };
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, name, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${name} ended; npm run setup installs it`);
    return JSON.parse(line.value);
  };
  expect(await next()).toBe('started');
  return {
    ask: (line) => {
      stdin.write(`${line}\n`);
      return next();
    },
    end: () => child.kill('SIGKILL'),
  };
}

describe('clients of npm, as they are', () => {
  let world: RegistryWorld;
  let last: RegistryServer;
  const clients = new Map<string, Client>();
  beforeAll(async () => {
    world = await startRegistryWorld(2);
    const [, second] = world.servers;
    if (second === undefined) throw new Error('two servers');
    last = second;
    const urls = world.servers.map(({ url }) => url);
    await Promise.all(
      CLIENTS.map(async ([name, app]) => void clients.set(app, await startClient(name, app, urls))),
    );
  });
  afterAll(async () => {
    for (const client of clients.values()) client.end();
    await world.close();
  });

  const of = (app: string): Client => {
    const client = clients.get(app);
    if (client === undefined) throw new Error(`no client ${app}`);
    return client;
  };
  const statusAt = async (app: string): Promise<number> =>
    (await last.ask('GET', `/eureka/apps/${app}/${app}:1`)).status;
  const register = (app: string, id: string, ipAddr: string): ReturnType<RegistryServer['ask']> =>
    last.ask('POST', `/eureka/apps/${app}`, { body: instanceBody(app, id, { ipAddr, hostName: ipAddr }) });

  it.each(CLIENTS)('%s registers, and finds who else does', async (_name, app) => {
    await eventually(async () => expect(await statusAt(app)).toBe(200));
    expect((await register(app, 'other', '10.0.1.2')).status).toBe(204);
    await eventually(async () => expect(await of(app).ask(`list ${app}`)).toContain('10.0.1.2:8080'));
  });

  it('renew in time: none falls silent for longer than it promised', async () => {
    const untilMs = systemClock.monotonicMs() + 3_500;
    await eventually(async () => {
      const { items } = await world.store.list(prefixRange('alive/'));
      expect(items.filter(({ value }) => value.includes('silentSinceMs'))).toEqual([]);
      expect(systemClock.monotonicMs()).toBeGreaterThan(untilMs);
    });
  });

  it('go on with another server when theirs is gone', async () => {
    await world.servers[0]?.server.close();
    for (const [, app] of CLIENTS) await register(app, 'third', '10.0.1.3');
    for (const [, app] of CLIENTS) {
      await eventually(async () => expect(await of(app).ask(`list ${app}`)).toContain('10.0.1.3:8080'));
    }
  });

  it.each(CLIENTS)('%s leaves', async (_name, app) => {
    expect(await of(app).ask('stop')).toBe('stopped');
    await eventually(async () => expect(await statusAt(app)).toBe(404));
  });
});
