/** Owns closing files that this process was started with and knows nothing of, so that its children do not get them either. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2_000_000;

/**
 * Closes every open file above stderr that would be inherited by children. Node opens its own so that they are not, and marks inherited ones
 * up to the first gap only; what is left was given to us by whoever started us.
 */
export function closeInheritedFds(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
      if (flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd);
    } catch {
      // Closed meanwhile: the listing of the folder itself is one of them.
    }
  }
}
