/** Owns the text of endpoints: what is accepted, and that no secret hides in it. Pure. */
import { SluiceError } from '../../errors.ts';

/** etcd's port for clients. */
const DEFAULT_PORT = '2379';
const ENDPOINT =
  /^(?:(?<scheme>https?):\/\/)?(?<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?<port>\d{1,5}))?\/?$/i;

/**
 * Endpoints as `scheme://host:port`, in the order given. Without a scheme: https if there are certificates, else http.
 * @throws SluiceError `config`
 */
export function parseEndpoints(endpoints: readonly string[], withTls: boolean): readonly string[] {
  if (endpoints.length === 0) throw badEndpoint('no endpoint is given');
  const parsed = endpoints.map((text) => parseEndpoint(text.trim(), withTls ? 'https' : 'http'));
  const secure = parsed.filter((endpoint) => endpoint.startsWith('https:')).length;
  if (secure !== 0 && secure !== parsed.length) throw badEndpoint('some endpoints are http and some https');
  if (withTls && secure === 0) throw badEndpoint('certificates are given, but the endpoints are http');
  return parsed;
}

function parseEndpoint(text: string, scheme: string): string {
  // Without showing it: a password may stand there.
  if (text.includes('@')) throw badEndpoint('an endpoint holds a user or a password');
  const parts = ENDPOINT.exec(text)?.groups;
  if (parts === undefined)
    throw badEndpoint(`${JSON.stringify(text)} is not of the form http(s)://HOST:PORT`);
  const port = parts['port'] ?? DEFAULT_PORT;
  if (Number(port) < 1 || Number(port) > 65_535) throw badEndpoint(`${port} is not a port`);
  return `${(parts['scheme'] ?? scheme).toLowerCase()}://${parts['host'] ?? ''}:${port}`;
}

function badEndpoint(why: string): SluiceError {
  return new SluiceError('config', 'the endpoints of the store are not usable', {
    why,
    fix: 'write for example --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379; passwords belong into a file',
    details: { written: false },
  });
}
