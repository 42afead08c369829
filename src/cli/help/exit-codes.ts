/** Owns the topic exit-codes; the table is the one of the code. */
import { exitCodeTable } from '../error-output.ts';

/** Text of the topic. */
export function exitCodes(): string {
  return `Exit codes. The name in the middle stands in brackets behind every error and in "code" of -o json.

${exitCodeTable()}
75 and 69 are worth another try, 76 is not before you have looked: sluice describe SERVICE shows who wrote last.
With --detailed-exitcode, sluice plan ends with 2 if there are changes; without it a plan that works ends with 0.
`;
}
