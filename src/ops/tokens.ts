/** Owns making, listing and revoking the tokens of API servers. */
import type { Role, Token } from '../model/access.ts';
import { parseName } from '../model/name.ts';
import { decodeToken, encodeToken } from '../model/records-access.ts';
import { hashSecret, tokenText } from '../model/token-text.ts';
import { ACCESS, accessKey } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { CallOptions, KeyValue } from '../store/store.ts';
import type { ReadDeps, WriteDeps } from './deps.ts';
import { notFound } from './not-found.ts';
import { writeRecorded } from './recorded.ts';
import type { InvalidRecord } from './views.ts';

/** Who shall hold a token. */
export interface TokenRequest {
  readonly role: Role;
  /** Checked here. */
  readonly name: string;
  readonly expiresInMs: number | undefined;
  readonly reason: string | undefined;
}

/** A token that was made. */
export interface MadeToken {
  readonly token: Token;
  /** What its holder shows; nobody can make it again. */
  readonly text: string;
  /** Undefined where it was not written. */
  readonly revision: number | undefined;
}

/** All tokens. */
export interface TokenList {
  readonly revision: number;
  readonly items: readonly Token[];
  readonly invalid: readonly InvalidRecord[];
}

/** What every change of a token has. */
const recordOf = (id: string) => ({
  subject: accessKey(id),
  what: `token ${id}`,
  command: 'sluice token list',
});

/**
 * Makes a token.
 * @param options `dryRun`: check everything and write nothing. `keep`: called with the text before anything is written, so that no token is
 *   made that nobody has
 * @throws SluiceError `invalid-spec`, and what writing throws
 */
export async function createToken(
  deps: WriteDeps & { readonly newSecret: () => string },
  request: TokenRequest,
  { dryRun, keep }: { readonly dryRun: boolean; readonly keep: (text: string) => Promise<void> },
): Promise<MadeToken> {
  const { role, expiresInMs, reason } = request;
  const name = parseName(request.name, 'name');
  const now = deps.clock.now();
  const [id, secret] = [deps.newId(), deps.newSecret()];
  const expiry =
    expiresInMs === undefined ? {} : { expiresAt: new Date(now.getTime() + expiresInMs).toISOString() };
  const token: Token = {
    id,
    role,
    name,
    secretHash: hashSecret(secret),
    createdAt: now.toISOString(),
    ...expiry,
  };
  const text = tokenText(id, secret);
  if (dryRun) return { token, text, revision: undefined };
  await keep(text);
  const key = accessKey(id);
  const revision = await writeRecorded(deps, {
    ...recordOf(id),
    outcome: 'created',
    compare: { kind: 'create-revision', key, equals: 0 },
    operation: { kind: 'put', key, value: encodeToken(token) },
    reason,
  });
  return { token, text, revision };
}

/** All tokens, in order of their names. @throws SluiceError `unavailable`, `permission` */
export async function listTokens({ store }: ReadDeps, options?: CallOptions): Promise<TokenList> {
  const { revision, items } = await store.list(ACCESS, options);
  const tokens: Token[] = [];
  const invalid: InvalidRecord[] = [];
  for (const item of items) {
    try {
      tokens.push(decodeToken(idOf(item), item.value).value);
    } catch (error) {
      invalid.push({ key: item.key, why: whyInvalid(error) });
    }
  }
  return { revision, items: tokens.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)), invalid };
}

const order = ({ role, name, id }: Token): string => `${name} ${role} ${id}`;
const idOf = ({ key }: KeyValue): string => key.slice(ACCESS.start.length);

/**
 * Revokes tokens, one after the other; all must be there before the first one goes.
 * @param dryRun look only
 * @returns the revision of the last change
 * @throws SluiceError `not-found`, and what writing throws
 */
export async function revokeTokens(
  deps: WriteDeps,
  ids: readonly string[],
  { reason, dryRun }: { readonly reason: string | undefined; readonly dryRun: boolean },
): Promise<number> {
  const { revision, items } = await deps.store.list(ACCESS);
  const found = [...new Set(ids)].map((id) => {
    const item = items.find((each) => idOf(each) === id);
    if (item !== undefined) return item;
    const known = items.map(idOf);
    throw notFound({ what: `token ${JSON.stringify(id)}`, word: id, known, command: 'sluice token list' });
  });
  let last = revision;
  for (const item of dryRun ? [] : found) {
    const { key } = item;
    last = await writeRecorded(deps, {
      ...recordOf(idOf(item)),
      outcome: 'deleted',
      compare: { kind: 'mod-revision', key, equals: item.modRevision },
      operation: { kind: 'delete', key },
      reason,
    });
  }
  return last;
}
