/** Owns the content hash of a template: equal templates have equal ones, on every node and in every version that knows the same fields. Pure. */
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { Template } from './template.ts';

/** 16 hex digits of the SHA-256 of the template's canonical JSON. */
export function templateHash(template: Template): string {
  return createHash('sha256').update(canonicalJson(template)).digest('hex').slice(0, 16);
}
