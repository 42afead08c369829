/** Owns an API server as a process of its own on one etcd, for measuring. */
import { type Child, startChild } from '../../src/dev/child.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { SLUICE } from '../cluster/harness/program.ts';

/** A server that is ready. */
export interface Served {
  readonly child: Child;
  readonly url: string;
}

/** Starts it on a free port of loopback; everybody has this role. */
export async function startServed(
  endpoints: readonly string[],
  role: 'viewer' | 'registry',
): Promise<Served> {
  const flags = ['--listen', '127.0.0.1:0', '--anonymous', role, '--log-format', 'text'];
  const child = await startChild({
    argv: [...SLUICE, 'apiserver', ...flags, '--endpoints', endpoints.join(',')],
  });
  const ready = (): string | undefined =>
    /API server listens.* port=(\d+)[^]*ready/.exec(child.stderr())?.[1];
  const port = await waitUntil(ready, { what: 'the server', timeoutMs: 30_000, facts: child.stderr });
  return { child, url: `http://127.0.0.1:${port}` };
}
