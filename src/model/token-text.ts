/** Owns the text of a token, `sluice_<id>_<secret>`, and what is stored of it. Pure: randomness comes from the caller. */
import { createHash, timingSafeEqual } from 'node:crypto';

const TOKEN = /^sluice_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** The text of a token. @param secret 32 random bytes, base64url: as hard to guess as its hash, so that no slow hash is needed */
export function tokenText(id: string, secret: string): string {
  return `sluice_${id}_${secret}`;
}

/** The parts of a token, or undefined if it is none. */
export function parseTokenText(text: string): { readonly id: string; readonly secret: string } | undefined {
  const match = TOKEN.exec(text);
  const [, id, secret] = match ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** SHA-256 of a secret, hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** True if the secret is the one of the hash; takes as long whatever is wrong. */
export function isSecretOf(secret: string, secretHash: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(secret), 'hex'), Buffer.from(secretHash, 'hex'));
}
