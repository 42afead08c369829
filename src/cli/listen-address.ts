/** Owns addresses that servers listen on, as typed: IP:PORT, or a port alone for loopback. */
import { SluiceError } from '../errors.ts';
import { canonicalIp, parsePort } from '../model/address.ts';
import { quoteValue } from '../model/text.ts';

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly isLoopback: boolean;
}

const FORM = /^(?:(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):)?([0-9]{1,5})$/;

/**
 * Parses the value of --listen.
 * @param example a good one, for the message
 * @throws SluiceError `config`
 */
export function parseListen(text: string, example: string): ListenAddress {
  const [, bracketed, plain = '127.0.0.1', port = ''] = FORM.exec(text) ?? [];
  const host = canonicalIp(bracketed ?? plain);
  const number = port === '0' ? 0 : parsePort(port);
  if (host === undefined || number === undefined) {
    throw new SluiceError('config', `--listen: ${quoteValue(text)} is not an address to listen on`, {
      why: 'it is IP:PORT, [IPv6]:PORT or PORT on loopback; 0.0.0.0 and [::] are all addresses, port 0 is any free one',
      fix: `write for example ${example}`,
      details: { flag: '--listen', value: text.slice(0, 80) },
    });
  }
  return { host, port: number, isLoopback: host.startsWith('127.') || host === '::1' };
}
