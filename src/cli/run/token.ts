/** Owns the bodies of `token create|list|revoke`. */
import { rm, writeFile } from 'node:fs/promises';
import { type ResultCode, SluiceError } from '../../errors.ts';
import type { Token } from '../../model/access.ts';
import { createToken, listTokens, revokeTokens } from '../../ops/tokens.ts';
import type { TokenCreateFlags, TokenRevokeFlags } from '../commands/token.ts';
import { type Column, type ListingOptions, writeListing } from '../output/listing.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { warnInvalid } from './list.ts';

const COLUMNS: readonly Column<Token>[] = [
  { name: 'ID', cell: ({ id }) => id },
  { name: 'NAME', cell: ({ name }) => name },
  { name: 'ROLE', cell: ({ role }) => role },
  { name: 'AGE', cell: ({ createdAt }, age) => age(createdAt), order: ({ createdAt }) => createdAt },
  { name: 'EXPIRES', cell: ({ expiresAt }) => expiresAt ?? '-' },
];

/** What is shown of a token: not even its hash. */
function shown({ id, name, role, createdAt, expiresAt }: Token): object {
  return { id, name, role, createdAt, expiresAt: expiresAt ?? null };
}

/** Puts a token into a new file; never over an old one, which may still be in use. @throws SluiceError `config` */
async function keepIn(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, `${text}\n`, { flag: 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    throw new SluiceError('config', `cannot write the token to ${JSON.stringify(file)}`, {
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'name a file that does not exist yet',
      details: { flag: '--out', path: file },
      cause,
    });
  }
}

/** Makes a token and shows it, or writes it to a file. */
export async function tokenCreateBody(session: Session, flags: TokenCreateFlags): Promise<ResultCode> {
  const { role, name, expires, reason, out, dryRun = false } = flags;
  const deps = { ...(await writeDeps(session)), newSecret: session.deps.newSecret };
  let kept: string | undefined;
  const keep = async (text: string): Promise<void> => {
    if (out === undefined) return;
    await keepIn(out, text);
    kept = out;
  };
  const request = { role, name, expiresInMs: expires, reason };
  const made = await createToken(deps, request, { dryRun, keep }).catch(async (error: unknown) => {
    // One that may have been written is worth keeping.
    const isUnknown = error instanceof SluiceError && error.code === 'unknown';
    if (kept !== undefined && !isUnknown) await rm(kept, { force: true });
    throw error;
  });
  const isShown = !dryRun && out === undefined;
  if (dryRun) session.notes.info('nothing was written');
  else if (isShown) session.notes.info('only its hash is kept: nobody can show it again');
  await writeListing(session, {
    kind: 'Token',
    revision: made.revision,
    items: [made.token],
    name: ({ id }) => id,
    json: (token) => ({ ...shown(token), ...(isShown ? { token: made.text } : {}) }),
    columns: COLUMNS,
    ...(isShown ? { text: () => `${made.text}\n` } : {}),
  });
  return 'ok';
}

/** Lists tokens. */
export async function tokenListBody(session: Session, options: ListingOptions): Promise<ResultCode> {
  const { revision, items, invalid } = await listTokens(await readDeps(session), { signal: session.signal });
  warnInvalid(session, invalid);
  await writeListing(
    session,
    { kind: 'TokenList', revision, items, name: ({ id }) => id, json: shown, columns: COLUMNS },
    options,
  );
  return 'ok';
}

/** Revokes tokens. */
export async function tokenRevokeBody(
  session: Session,
  ids: readonly string[],
  { reason, dryRun = false }: TokenRevokeFlags,
): Promise<ResultCode> {
  const revision = await revokeTokens(await writeDeps(session), ids, { reason, dryRun });
  const outcome = dryRun ? 'would be revoked' : 'revoked';
  await writeListing(session, {
    kind: 'TokenRevocation',
    revision,
    items: ids.map((id) => ({ id, outcome })),
    name: ({ id }) => id,
    json: (item) => item,
    columns: [],
    text: () => ids.map((id) => `token/${id} ${outcome}\n`).join(''),
  });
  return 'ok';
}
