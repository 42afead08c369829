/** Owns what an error becomes as an HTTP answer: its status and the one form of errors. Must not know requests. */
import { type ErrorCode, errorReport, SluiceError } from '../../errors.ts';

/** Status of every code; `details.httpStatus` says another one. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  failed: 502,
  unhealthy: 503,
  'not-found': 404,
  'not-confirmed': 400,
  usage: 400,
  'invalid-spec': 400,
  unavailable: 503,
  internal: 500,
  conflict: 409,
  locked: 409,
  unknown: 504,
  permission: 403,
  config: 500,
  timeout: 504,
  interrupted: 503,
  terminated: 503,
};

/** An error of HTTP itself, with its status. */
export function httpError(status: number, what: string, why: string): SluiceError {
  return new SluiceError(
    status === 404 ? 'not-found' : status === 429 ? 'unavailable' : 'invalid-spec',
    what,
    {
      why,
      fix: 'docs/apiserver.md has routes and limits',
      details: { written: false, httpStatus: status },
    },
  );
}

/** The error of a request that is too many. */
export function tooMany(why: string): SluiceError {
  return httpError(429, 'too many requests', why);
}

/** A failure as an answer. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
  /** It is a bug of ours. */
  readonly isBug: boolean;
}

/** Any thrown thing as an answer; of what is no `SluiceError` nothing is told. */
export function refusalOf(thrown: unknown): Refusal {
  const error =
    thrown instanceof SluiceError
      ? thrown
      : new SluiceError('internal', 'the API server failed in a way it does not know', {
          why: 'this is a bug; its log has more',
        });
  const { httpStatus, ...details } = error.details;
  const isStranger = details['unauthenticated'] === true;
  const status = typeof httpStatus === 'number' ? httpStatus : isStranger ? 401 : STATUS[error.code];
  const report = { ...errorReport(error), details };
  return { status, body: `${JSON.stringify(report)}\n`, isBug: error.code === 'internal' };
}
