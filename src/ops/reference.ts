/** Owns references: how a thing is named on the command line and in `-o name`. Pure. */

/** `web`, `service/web`; `web/10.0.1.11:8080`; `node/n3`. */
export type Reference =
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'instance'; readonly service: string; readonly id: string }
  | { readonly kind: 'node'; readonly node: string };
