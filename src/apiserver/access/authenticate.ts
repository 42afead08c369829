/** Owns finding out who is asking: a bearer token, a certificate, or neither. Must not know what he may do. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { SluiceError } from '../../errors.ts';
import { type Caller, isRole, type Role } from '../../model/access.ts';
import { isName } from '../../model/name.ts';
import { decodeToken } from '../../model/records-access.ts';
import { hashSecret, isSecretOf, parseTokenText } from '../../model/token-text.ts';
import { accessKey } from '../../store/keys.ts';
import type { KeyValue } from '../../store/store.ts';

/** What authentication looks at. */
export interface AuthenticationOptions {
  readonly item: (key: string) => KeyValue | undefined;
  readonly now: () => Date;
  /** Role of callers without credentials; undefined: they are refused. */
  readonly anonymous: Role | undefined;
}

/** Compared where there is no such token, so that its absence takes as long. */
const NO_HASH = hashSecret('');

/** The error for who is not known. */
function unknownCaller(why: string): SluiceError {
  return new SluiceError('permission', 'the API server does not know who is asking', {
    why,
    fix: 'give a token (--token-file) or a certificate (--cert, --key); sluice token create makes tokens',
    details: { written: false, unauthenticated: true },
  });
}

/**
 * Who is asking.
 * @throws SluiceError `permission` with details.unauthenticated
 */
export function authenticate(request: IncomingMessage, options: AuthenticationOptions): Caller {
  const { authorization } = request.headers;
  if (authorization !== undefined) return byToken(authorization, options);
  const certificate = byCertificate(request);
  if (certificate !== undefined) return certificate;
  if (options.anonymous === undefined) throw unknownCaller('there is neither a token nor a certificate');
  return { role: options.anonymous, name: 'anonymous', via: 'anonymous' };
}

function byToken(authorization: string, options: AuthenticationOptions): Caller {
  const token = parseTokenText(tokenIn(authorization));
  if (token === undefined) throw unknownCaller('the Authorization header holds no token of Sluice');
  const caller = storedCaller(token.id, token.secret, options);
  if (caller === undefined) throw unknownCaller('the token is wrong, was revoked or has expired');
  return caller;
}

/** The token of a header: `Bearer TOKEN`, or as the password of clients that have only `http://USER:PASSWORD@…` to say it. */
function tokenIn(authorization: string): string {
  const [, scheme = '', credentials = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return credentials;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

function storedCaller(id: string, secret: string, { item, now }: AuthenticationOptions): Caller | undefined {
  const stored = item(accessKey(id));
  const token = stored === undefined ? undefined : readToken(id, stored.value);
  const isRight = isSecretOf(secret, token?.secretHash ?? NO_HASH);
  if (token === undefined || !isRight) return undefined;
  const { role, name, expiresAt } = token;
  if (expiresAt !== undefined && Date.parse(expiresAt) <= now().getTime()) return undefined;
  return { role, name, via: `token ${id}` };
}

function readToken(id: string, json: string): ReturnType<typeof decodeToken>['value'] | undefined {
  try {
    return decodeToken(id, json).value;
  } catch {
    // Not written by us: nobody gets in by it.
    return undefined;
  }
}

/** The caller of a certificate, `ROLE:NAME` in its common name; undefined without one. */
function byCertificate({ socket }: IncomingMessage): Caller | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (subject === undefined) return undefined;
  if (!socket.authorized) throw unknownCaller('the authority of --client-ca did not sign the certificate');
  const [role = '', name = '', ...rest] = String(subject.CN).split(':');
  if (!isRole(role) || !isName(name) || rest.length > 0)
    throw unknownCaller('the common name of the certificate is not ROLE:NAME, e.g. node:n1');
  return { role, name, via: 'certificate' };
}
