/** Owns server-sent events as text (the HTML standard, 9.2.5). Pure. */

/** Media type of a stream of events. */
export const EVENT_STREAM = 'text/event-stream';

/** One event. */
export interface SentEvent {
  /** What it is: `put`, `delete`, … */
  readonly event: string;
  /** Where to go on after it; undefined: as after the one before. */
  readonly id?: number | undefined;
  readonly data: object;
}

/** The first lines of a stream: how long a reader waits before it comes again. */
export const RETRY_LINES = 'retry: 1000\n\n';

/** An event as lines. JSON has no newlines, so that data is one line. */
export function eventText({ event, id, data }: SentEvent): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
