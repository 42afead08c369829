/**
 * Owns what is said beside the result: information, warnings and hints on stderr. With `-o json` stderr must be machine-clean, so
 * information is left out there (it is in the result) and warnings are JSON objects. `-q` leaves information out.
 */
import { plainText } from '../model/text.ts';
import type { Io } from './io.ts';
import { isJson } from './output/format.ts';
import type { Palette } from './palette.ts';
import type { Settings } from './settings.ts';

/** Says things beside the result. */
export interface Notes {
  readonly info: (text: string) => void;
  /** Only with `-v`. */
  readonly detail: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** Notes on stderr as the settings want them. */
export function createNotes(io: Io, settings: Settings, palette: Palette): Notes {
  const json = isJson(settings.output);
  const say = (text: string): void => {
    io.stderr.write(`${text}\n`);
  };
  const info = (text: string): void => {
    if (!json && !settings.quiet) say(plainText(text, 4000));
  };
  return {
    info,
    detail: (text) => {
      if (settings.verbose) info(text);
    },
    warn: (text) => {
      const line = plainText(text, 4000);
      say(
        json
          ? JSON.stringify({ kind: 'Warning', version: 1, message: line })
          : `${palette.warn('warning:')} ${line}`,
      );
    },
  };
}
