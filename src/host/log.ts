/**
 * Owns the log of long-lived parts: one line per change on stderr, as text, JSON or with journald priorities. The one place of pino.
 * Must not be used for results or errors of commands.
 */
import { pino } from 'pino';

/** How log lines look. `auto`: journald priorities under systemd, text on a terminal, JSON otherwise. */
export type LogFormat = 'auto' | 'text' | 'json';

/** Facts of a log line: JSON values, no secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A log. The message is constant text; what varies is in the fields. */
export interface Log {
  readonly debug: (message: string, fields?: LogFields) => void;
  readonly info: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly error: (message: string, fields?: LogFields) => void;
}

/** Where and how to log. */
export interface LogOptions {
  readonly format: LogFormat;
  readonly debug: boolean;
  /** Writes one line, newline included; must not throw. */
  readonly write: (line: string) => void;
  readonly isTty: boolean;
  /** True if stderr is journald's (JOURNAL_STREAM is set). */
  readonly journald: boolean;
  readonly now: () => Date;
}

/** syslog priorities of pino's levels: debug, info, warning, error. */
const PRIORITY: Readonly<Record<string, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/** `key=value` pairs; text that could break the line or be misread is quoted as JSON. */
function formatFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const text = typeof value === 'string' && /^[\w.:/@[\]-]+$/.test(value) ? value : JSON.stringify(value);
      return ` ${key}=${text}`;
    })
    .join('');
}

function isFields(value: unknown): value is LogFields {
  return typeof value === 'object' && value !== null;
}

/** One text line from the JSON line of pino: `<4>` for journald, else time and level in front. */
function textLine(json: string, options: LogOptions): string {
  const line: unknown = JSON.parse(json);
  const { level, time, msg, ...fields } = isFields(line) ? line : {};
  const tail = `${String(msg)}${formatFields(fields)}\n`;
  if (options.journald) return `<${PRIORITY[String(level)] ?? 6}>${tail}`;
  return `${String(time)} ${String(level).padEnd(5)} ${tail}`;
}

/** Makes a log. Lines are written synchronously, so that none is lost on exit. */
export function createLog(options: LogOptions): Log {
  const asText =
    options.format === 'text' || (options.format === 'auto' && (options.journald || options.isTty));
  const logger = pino(
    {
      base: null,
      level: options.debug ? 'debug' : 'info',
      timestamp: () => `,"time":"${options.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (json: string) => options.write(asText ? textLine(json, options) : json) },
  );
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}
