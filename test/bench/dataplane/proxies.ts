/** Owns the proxies as contenders: HAProxy in TCP mode, and nginx' stream module. They listen on every entry and connect to instances themselves. */
import { existsSync } from 'node:fs';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { waitUntil } from '../../../src/host/wait.ts';
import { type Contender, must, nodeExec, type Serving, timed } from './contender.ts';
import { type BenchService, ENTRY_PORT, INSTANCE_PORT, reweighted } from './services.ts';
import { ownEntries } from './world.ts';

const TIMEOUT_MS = 60_000;
/** As many open files as may be: a listener for each entry, two for each connection. */
const MANY_FILES = 'ulimit -S -n "$(ulimit -H -n)"; exec "$@"';

/** Configuration of the services by number, of which some were changed. */
class Weights {
  #services: readonly BenchService[];

  constructor(services: readonly BenchService[]) {
    this.#services = services;
  }

  change(changed: number, n: number): readonly BenchService[] {
    this.#services = this.#services.map((service, at) => (at === changed ? reweighted(service, n) : service));
    return this.#services;
  }

  add(service: BenchService): readonly BenchService[] {
    this.#services = [...this.#services, service];
    return this.#services;
  }
}

function haproxyConfig(services: readonly BenchService[], socket: string): string {
  const sections = services.map(({ name, vip, instances, weights }) =>
    [
      `listen ${name}`,
      `  bind ${vip}:${ENTRY_PORT}`,
      ...instances.map((ip, at) => `  server i${at} ${ip}:${INSTANCE_PORT} weight ${weights[at] ?? 1}`),
    ].join('\n'),
  );
  return `global
  maxconn 3000
  stats socket ${socket} mode 600 level admin expose-fd listeners
defaults
  mode tcp
  balance roundrobin
  maxconn 3000
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${sections.join('\n')}
`;
}

async function residentMb(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

/** HAProxy; a change is a reload that loses no connection: the new process takes the listeners over from the old one (`-x`). */
export const haproxy: Contender = async (lane, services): Promise<Serving> => {
  await ownEntries(lane);
  const { exec } = nodeExec(lane);
  const { folder } = lane;
  const [config, socket, pidFile] = ['haproxy.cfg', 'socket', 'pid'].map((name) => path.join(folder, name));
  const start = async (now: readonly BenchService[], more: readonly string[] = []): Promise<number> => {
    await writeFile(config ?? '', haproxyConfig(now, socket ?? ''));
    const argv = ['haproxy', '-D', '-f', config ?? '', '-p', pidFile ?? '', ...more];
    return await timed(
      async () => await must(exec('sh', ['-c', MANY_FILES, 'sh', ...argv], { timeoutMs: TIMEOUT_MS })),
    );
  };
  const pid = async (): Promise<string> => (await readFile(pidFile ?? '', 'utf8')).trim();
  const reload = async (now: readonly BenchService[]): Promise<number> =>
    await start(now, ['-x', socket ?? '', '-sf', await pid()]);
  const ms = await start(services);
  const weights = new Weights(services);
  return {
    load: { ms, peakMb: await residentMb(await pid()) },
    change: async (at, n) => await reload(weights.change(at, n)),
    add: async (service) => await reload(weights.add(service)),
  };
};

function nginxConfig(services: readonly BenchService[], folder: string, module: string): string {
  const blocks = services.map(({ name, vip, instances, weights }) => {
    const servers = instances.map(
      (ip, at) => `    server ${ip}:${INSTANCE_PORT} weight=${weights[at] ?? 1};`,
    );
    return `  upstream ${name} {\n${servers.join('\n')}\n  }\n  server { listen ${vip}:${ENTRY_PORT}; proxy_pass ${name}; }`;
  });
  return `load_module ${module};
user root;
pid ${folder}/pid;
error_log ${folder}/error.log;
worker_processes auto;
events { worker_connections 15000; }
stream {
  access_log off;
${blocks.join('\n')}
}
`;
}

/** Where the stream module is: beside the program, or where Debian installs it. */
export async function nginxStreamModule(): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(':');
  const program = folders.map((folder) => path.join(folder, 'nginx')).find((file) => existsSync(file));
  if (program === undefined) return undefined;
  const beside = path.join(path.dirname(await realpath(program)), '../root/usr/lib/nginx/modules');
  const files = [beside, '/usr/lib/nginx/modules'].map((folder) => path.join(folder, 'ngx_stream_module.so'));
  return files.find((file) => existsSync(file));
}

/** nginx with its stream module; a change is a reload, over when new workers run. */
export function nginx(module: string): Contender {
  return async (lane, services): Promise<Serving> => {
    await ownEntries(lane);
    const { exec } = nodeExec(lane);
    const { folder } = lane;
    const config = path.join(folder, 'nginx.conf');
    const write = async (now: readonly BenchService[]): Promise<void> =>
      await writeFile(config, nginxConfig(now, folder, module));
    const workers = async (): Promise<readonly string[]> => {
      const pid = (await readFile(path.join(folder, 'pid'), 'utf8')).trim();
      return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
    };
    await write(services);
    const argv = ['nginx', '-p', folder, '-c', config, '-e', path.join(folder, 'error.log')];
    const ms = await timed(
      async () => await must(exec('sh', ['-c', MANY_FILES, 'sh', ...argv], { timeoutMs: TIMEOUT_MS })),
    );
    const master = (await readFile(path.join(folder, 'pid'), 'utf8')).trim();
    const reload = async (now: readonly BenchService[]): Promise<number> => {
      await write(now);
      const before = await workers();
      return await timed(async () => {
        process.kill(Number(master), 'SIGHUP');
        await waitUntil(async () => (await workers()).some((pid) => pid !== '' && !before.includes(pid)), {
          what: 'new workers of nginx',
          timeoutMs: TIMEOUT_MS,
          everyMs: 2,
        });
      });
    };
    const weights = new Weights(services);
    return {
      load: { ms, peakMb: await residentMb(master) },
      change: async (at, n) => await reload(weights.change(at, n)),
      add: async (service) => await reload(weights.add(service)),
    };
  };
}
