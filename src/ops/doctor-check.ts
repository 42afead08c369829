/** Owns the shape of what doctor says. Pure. */

/** One thing that was looked at. */
export interface DoctorCheck {
  /** Stable word: `programs/nft`, `sysctl/ip_forward`, `store/http://…`. */
  readonly check: string;
  readonly result: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly detail: string;
  /** Null where there is nothing to do. */
  readonly fix: string | null;
}

/** A check that found nothing wrong. */
export const well = (check: string, detail: string): DoctorCheck => ({
  check,
  result: 'ok',
  detail,
  fix: null,
});

/** A check that could not be made. */
export const skipped = (check: string, detail: string): DoctorCheck => ({
  check,
  result: 'skipped',
  detail,
  fix: null,
});

/** A check that found something. */
export function bad(
  check: string,
  result: 'warn' | 'fail',
  about: { readonly detail: string; readonly fix: string },
): DoctorCheck {
  return { check, result, ...about };
}
