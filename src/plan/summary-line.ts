/** Owns the line that a plan is told by, as data for a renderer. Pure data. */

/** One line: `+ instance 10.0.1.11:8080 weight 1 (25%)`. */
export interface SummaryLine {
  readonly sign: '+' | '~' | '-';
  /** e.g. `instance 10.0.1.11:8080` */
  readonly subject: string;
  /** e.g. `weight 1 (25%)` or `weight 1 (25%) → 3 (50%)`; '' where there is nothing to say. */
  readonly detail: string;
}
