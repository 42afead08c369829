/** Owns the caps on what is read and stored, in one place. Pure. */

/** Entries of one service. */
export const MAX_ENTRIES = 64;

/** Instances of one service: one transaction (the store takes about 4,096 operations) must be able to write or remove them all. */
export const MAX_INSTANCES = 4_000;

/** Characters of one stored value; etcd itself refuses requests above 1.5 MiB. */
export const MAX_VALUE_LENGTH = 1024 * 1024;

/** Nesting of objects and lists in stored values and specs. */
export const MAX_DEPTH = 32;

/** Characters of a spec text, checked before it is parsed. */
export const MAX_SPEC_LENGTH = 1024 * 1024;

/** Replicas of one service: each is an assignment with a copy of the template. */
export const MAX_REPLICAS = 1_000;
