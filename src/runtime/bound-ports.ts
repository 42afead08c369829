/** Owns which ports of an address somebody listens on (TCP) or has bound (UDP), from /proc/net. Reads only. */
import { readKernelFile } from '../host/machine.ts';

const TABLES = [
  { file: 'tcp', state: '0A' },
  { file: 'tcp6', state: '0A' },
  { file: 'udp', state: '07' },
  { file: 'udp6', state: '07' },
] as const;

/**
 * Ports of one table, whatever address they are bound to: one that is bound elsewhere only is passed over too, which costs a port and saves
 * telling apart all the ways to write an address.
 */
export function parseBoundPorts(text: string, state: string): readonly number[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , found] = line.trim().split(/\s+/);
    const port = /:([0-9A-F]{4})$/.exec(local)?.[1];
    return port === undefined || found !== state ? [] : [Number.parseInt(port, 16)];
  });
}

/** All that are bound now; tables that cannot be read count as empty. */
export function boundPorts(): ReadonlySet<number> {
  return new Set(
    TABLES.flatMap(({ file, state }) => parseBoundPorts(readKernelFile(`/proc/net/${file}`) ?? '', state)),
  );
}
