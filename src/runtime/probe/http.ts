/** Owns the http probe: one GET on a connection of its own; an old one could be answered by a program that takes no new ones. */
import { type Address, formatAddress } from '../../model/address.ts';
import type { Probe } from '../../model/template.ts';
import { type ProbeAnswer, unwell } from './answer.ts';
import { type Bounds, converse } from './conversation.ts';
import { createHttpAnswer } from './http-answer.ts';

type HttpProbe = Extract<Probe, { readonly kind: 'http' }>;

/** What would make another request of it; a template that has some is refused when it is published. */
const UNSPEAKABLE = /[^!-~]/;

/** Asks once. */
export function probeHttp(
  { path, host, status }: HttpProbe,
  address: Address,
  bounds: Bounds,
): Promise<ProbeAnswer> {
  const name = host ?? formatAddress(address);
  if (UNSPEAKABLE.test(path) || UNSPEAKABLE.test(name))
    return Promise.resolve(unwell('its path or host cannot be asked for'));
  const { take, end } = createHttpAnswer(status);
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${name}`, 'User-Agent: sluice-probe', 'Accept: */*'];
  const say = `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`;
  return converse(
    { say, heard: take, ended: (errno) => (errno === undefined ? end() : unwell(errno)), letEnd: true },
    address,
    bounds,
  );
}
