/** Owns how times are shown: as ages on a terminal, RFC 3339 elsewhere. Pure. */
import { formatAge } from '../../model/duration.ts';
import { timeMs } from '../../model/time.ts';

/** Shows times of one run; `-` where there is none. */
export type AgeFormat = (time: string | undefined) => string;

/**
 * How to show times.
 * @param relativeTo the present, on a terminal; undefined elsewhere
 */
export function ageFormat(relativeTo: Date | undefined): AgeFormat {
  return (time) => {
    if (time === undefined || time === '') return '-';
    const at = timeMs(time);
    return relativeTo === undefined || at === undefined ? time : formatAge(relativeTo.getTime() - at);
  };
}
