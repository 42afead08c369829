/** Owns the word registration as data: what an instance said of itself when it joined the registry, and what was said of it since. Pure. */

/** Statuses in alphabetical order, as the Eureka protocol names them. */
export const REGISTERED_STATUSES = ['DOWN', 'OUT_OF_SERVICE', 'STARTING', 'UNKNOWN', 'UP'] as const;

/** One of the statuses. */
export type RegisteredStatus = (typeof REGISTERED_STATUSES)[number];

/** A port that an instance names, also one that it does not serve. */
export interface RegisteredPort {
  readonly number: number;
  readonly enabled: boolean;
}

/** Where an instance says that it runs; `className` is the protocol's word for the kind of data center. */
export interface DataCenter {
  readonly name: string;
  readonly className: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A registration as stored under `app/<app>/<id>`. Times are milliseconds since 1970. */
export interface Registration {
  /** Upper case (`isAppName`). */
  readonly app: string;
  /** Unique within the app; any printable ASCII. */
  readonly id: string;
  readonly hostName: string;
  /** As it was sent; not always an address that can be dialled. */
  readonly ip: string;
  readonly port: RegisteredPort;
  readonly securePort: RegisteredPort;
  /** What the instance says of itself. */
  readonly status: RegisteredStatus;
  /** What people say of it; wins over UP and OUT_OF_SERVICE. */
  readonly override?: RegisteredStatus | undefined;
  readonly vip?: string | undefined;
  readonly secureVip?: string | undefined;
  /** How often it promises to renew, and how long its silence is borne. */
  readonly renewSeconds: number;
  readonly durationSeconds: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly dataCenter: DataCenter;
  /** Addresses of pages and other words that are only handed on, by the protocol's names. */
  readonly words: Readonly<Record<string, string>>;
  /** First registered without a break; serving since (0: never); last written; last changed as its instance counts (0: not said). */
  readonly registeredMs: number;
  readonly upMs: number;
  readonly updatedMs: number;
  readonly dirtyMs: number;
  /** The other registry that it was taken over from, which says whether it is alive; undefined: it registered here. */
  readonly source?: string | undefined;
}

/** That a registered instance renews, or does not, as the API server that hears it says: `alive/<app>/<id>`. */
export interface Alive {
  /** Of one start of an API server; it owns the mark. */
  readonly server: string;
  /** Milliseconds since 1970; undefined: it renews. */
  readonly silentSinceMs?: number | undefined;
}

const APP_NAME = /^[A-Z0-9][A-Z0-9._-]{0,126}$/;

/** What the name of an app may look like, in words. */
export const APP_RULE = '1 to 127 of A-Z, 0-9, ., _ and -, beginning with a letter or digit';

/** True if the text names an app in its one spelling. */
export function isAppName(text: string): boolean {
  return APP_NAME.test(text);
}

/** The one spelling of an app's name, or undefined if the text names none. */
export function appNameOf(text: string): string | undefined {
  const upper = text.toUpperCase();
  return isAppName(upper) ? upper : undefined;
}

/** True if the text may be the id of a registration. */
export function isRegistrationId(text: string): boolean {
  return /^[\x21-\x7e]{1,253}$/.test(text);
}

/** True if the text is a status. */
export function isRegisteredStatus(text: string): text is RegisteredStatus {
  return REGISTERED_STATUSES.some((status) => status === text);
}

/**
 * The status that counts: an instance that says it is not there yet, or not any more, is believed; else what people said; else what it
 * said (first two of the three rules of notes on the protocol; the third, an earlier status, lives on in `override`).
 */
export function statusOf({ status, override }: Pick<Registration, 'status' | 'override'>): RegisteredStatus {
  return status === 'UP' || status === 'OUT_OF_SERVICE' ? (override ?? status) : status;
}
