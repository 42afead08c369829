/** Owns the words of access to an API server: roles, who is asking, tokens as stored. Pure data. */

/** What a caller may do; docs/apiserver.md has the table. */
export const ROLES = ['admin', 'operator', 'node', 'registry', 'viewer'] as const;

/** One of the roles. */
export type Role = (typeof ROLES)[number];

/** True if the text names a role. */
export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

/** Who is asking. */
export interface Caller {
  readonly role: Role;
  /** A name (model/name.ts); of a node the node's own. */
  readonly name: string;
  /** How it was proved: `token <id>`, `certificate`, `anonymous`. */
  readonly via: string;
}

/** A token as stored, `access/<id>`; the secret itself is nowhere. */
export interface Token {
  /** 16 hex characters. */
  readonly id: string;
  readonly role: Role;
  readonly name: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** Not accepted from then on. */
  readonly expiresAt?: string | undefined;
}
