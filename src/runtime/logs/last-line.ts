/** Owns the last line that a program printed into a file. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const KEEP_BYTES = 2_048;

/** Last line of what a file has from a place on, of its last 2 KiB; '' if there is none. */
export function lastLine(file: string, from: number): string {
  try {
    const fd = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(KEEP_BYTES);
      const at = Math.max(from, fstatSync(fd).size - buffer.length);
      const text = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, at)).toString('utf8');
      return text.trimEnd().split('\n').at(-1) ?? '';
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
