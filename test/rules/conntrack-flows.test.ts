import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../src/model/entry.ts';
import { flowKey, flowKeysOf, forgetArgs } from '../../src/rules/conntrack-flows.ts';

/** As conntrack 1.4.7 prints them. */
const LISTING = `tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.96.0.1 sport=56858 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=8080 dport=56858 [ASSURED] mark=0 use=1
udp      17 29 src=10.0.0.1 dst=10.96.0.1 sport=40000 dport=53 [UNREPLIED] src=10.96.0.1 dst=10.0.0.1 sport=53 dport=40000 mark=0 use=1
udp      17 29 src=fd01::1 dst=fd00:0:0::10 sport=40000 dport=53 src=fd99::1 dst=fd01::1 sport=8053 dport=40000 mark=0 use=1
icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=1 mark=0 use=1
`;

/** Arguments that forget connections to an entry on 10.0.0.2:8080. */
const forget = (entry: string, unanswered: boolean): string =>
  forgetArgs({ entry: parseEntry(entry), answeredBy: { ip: '10.0.0.2', port: 8080 }, unanswered }).join(' ');

describe('the words of conntrack', () => {
  it('are read as flows by entry and by who answers', () => {
    expect([...flowKeysOf(LISTING)]).toEqual([
      'tcp 10.96.0.1 80 10.0.0.2 8080',
      'udp 10.96.0.1 53 10.96.0.1 53',
      'udp fd00::10 53 fd99::1 8053',
    ]);
    const stale = {
      entry: parseEntry('[fd00::10]:53/udp'),
      answeredBy: { ip: 'fd99::1', port: 8053 },
      unanswered: false,
    };
    expect(flowKeysOf(LISTING).has(flowKey(stale))).toBe(true);
  });

  it('name entry, instance, protocol and ports of what is to be forgotten', () => {
    expect(forget('10.96.0.1:80', false)).toBe(
      '-D -f ipv4 -p tcp --orig-dst 10.96.0.1 --orig-port-dst 80 --reply-src 10.0.0.2 --reply-port-src 8080',
    );
    expect(forget('[fd00::10]:80/udp', false)).toMatch(/^-D -f ipv6 -p udp --orig-dst fd00::10 /);
  });

  it('spare an established connection where only unanswered ones are meant', () => {
    expect(forget('10.96.0.1:80', true)).toMatch(/ --state SYN_SENT$/);
    expect(forget('10.96.0.1:53/udp', true)).not.toContain('--state');
  });
});
