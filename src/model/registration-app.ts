/** Owns reading the name of an app as people type it. Pure. */
import { SluiceError } from '../errors.ts';
import { APP_RULE, appNameOf } from './registration.ts';
import { quoteValue } from './text.ts';

/**
 * The name of an app in its one spelling, upper case.
 * @throws SluiceError `invalid-spec`
 */
export function parseApp(text: string, field: string): string {
  const app = appNameOf(text);
  if (app !== undefined) return app;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not the name of an app`, {
    why: `the name of an app is ${APP_RULE}; small letters count as large ones`,
    fix: `write for example ${field} WEB`,
    details: { field, value: text.slice(0, 80), allowed: APP_RULE },
  });
}
