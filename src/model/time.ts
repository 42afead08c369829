/** Owns times as stored and shown: RFC 3339 in UTC. Pure: the clock is somebody else's. */

const RFC3339_UTC = /^[0-9]{4}-[0-9]{2}-([0-9]{2})T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$/;

/**
 * Milliseconds since 1970 of an RFC 3339 time in UTC (`2026-01-31T09:30:00.123Z`), or undefined if it is none.
 * Days that do not exist (30 February) are none.
 */
export function timeMs(text: string): number | undefined {
  const day = RFC3339_UTC.exec(text)?.[1];
  if (day === undefined) return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return undefined;
  if (day <= '28' && !text.includes('T24:')) return ms;
  return new Date(ms).toISOString().slice(0, 19) === text.slice(0, 19) ? ms : undefined;
}
