/** Owns the http probe: one GET on a connection of its own, the status judged, the body read to its end or its cap. */
import { Agent, request } from 'node:http';
import type { Address } from '../../model/address.ts';
import type { Probe } from '../../model/template.ts';
import { type ProbeAnswer, unwell } from './answer.ts';
import { bound } from './bounded.ts';

/** How much of a body is read; one that is longer is well. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;

type HttpProbe = Extract<Probe, { readonly kind: 'http' }>;

/** Every question opens a connection: an old one could be answered by a program that takes no new ones. */
const agent = new Agent({ keepAlive: false });

/** Asks once. */
export function probeHttp(
  { path, host, status }: HttpProbe,
  { ip, port }: Address,
  bounds: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const time = bound(bounds);
    const asked = request({
      agent,
      host: ip,
      port,
      path,
      method: 'GET',
      maxHeaderSize: MAX_HEADER_BYTES,
      headers: { 'user-agent': 'sluice-probe', accept: '*/*', ...(host === undefined ? {} : { host }) },
    });
    const answer = (result: ProbeAnswer): void => {
      time.close();
      asked.destroy();
      resolve(result);
    };
    time.onEnd((why) => answer(unwell(why)));
    asked.on('error', (error) => answer(unwell(error.message)));
    asked.once('response', (response) => {
      const code = response.statusCode ?? 0;
      if (code < status.from || code > status.to) return answer(unwell(`status ${code}`));
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) answer({ well: true });
      });
      response.once('end', () => answer({ well: true }));
      response.once('error', (error) => answer(unwell(error.message)));
      response.once('aborted', () => answer(unwell('closed within its answer')));
      return undefined;
    });
    asked.end();
  });
}
