/** Owns the text of servers' addresses: what is accepted, and that no secret hides in it. Pure. */
import { SluiceError } from '../errors.ts';

/** Which servers: the flag that names them, what one is called, and the port where none is given. */
export interface UrlKind {
  readonly flag: string;
  readonly noun: string;
  readonly defaultPort: number;
}

/** Servers of etcd, at its port for clients. */
export const ETCD_URLS: UrlKind = { flag: '--endpoints', noun: 'endpoint', defaultPort: 2379 };
/** API servers. */
export const API_URLS: UrlKind = { flag: '--server', noun: 'server', defaultPort: 7070 };

const URL_FORM =
  /^(?:(?<scheme>https?):\/\/)?(?<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?<port>\d{1,5}))?\/?$/i;

/**
 * Addresses as `scheme://host:port`, in the order given. Without a scheme: https if there are certificates, else http.
 * @throws SluiceError `config`
 */
export function parseUrls(texts: readonly string[], kind: UrlKind, withTls: boolean): readonly string[] {
  const { noun } = kind;
  if (texts.length === 0) throw badUrl(kind, `no ${noun} is given`);
  const parsed = texts.map((text) => parseUrl(text.trim(), kind, withTls ? 'https' : 'http'));
  const secure = parsed.filter((url) => url.startsWith('https:')).length;
  if (secure !== 0 && secure !== parsed.length) throw badUrl(kind, `some ${noun}s are http and some https`);
  if (withTls && secure === 0) throw badUrl(kind, `certificates are given, but the ${noun}s are http`);
  return parsed;
}

function parseUrl(text: string, kind: UrlKind, scheme: string): string {
  // Without showing it: a password may stand there.
  if (text.includes('@')) throw badUrl(kind, `an address of a ${kind.noun} holds a user or a password`);
  const parts = URL_FORM.exec(text)?.groups;
  if (parts === undefined)
    throw badUrl(kind, `${JSON.stringify(text)} is not of the form http(s)://HOST:PORT`);
  const port = parts['port'] ?? String(kind.defaultPort);
  if (Number(port) < 1 || Number(port) > 65_535) throw badUrl(kind, `${port} is not a port`);
  return `${(parts['scheme'] ?? scheme).toLowerCase()}://${parts['host'] ?? ''}:${port}`;
}

function badUrl({ flag, noun, defaultPort }: UrlKind, why: string): SluiceError {
  return new SluiceError('config', `the ${noun}s of the store are not usable`, {
    why,
    fix: `write for example ${flag} http://10.0.0.1:${defaultPort},http://10.0.0.2:${defaultPort}; secrets belong into a file`,
    details: { written: false },
  });
}
