/** Owns the version of the program: put in by the build from package.json. */

declare const SLUICE_VERSION: string | undefined;

/** Semantic version; `0.0.0-source` when run from source (tests). */
export const VERSION: string = typeof SLUICE_VERSION === 'string' ? SLUICE_VERSION : '0.0.0-source';
