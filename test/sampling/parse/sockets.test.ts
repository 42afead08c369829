import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionsIn, parseSockets, type Sockets } from '../../../src/sampling/parse/sockets.ts';

const parsed = (text: string): Sockets => {
  const sockets = parseSockets(text);
  if (sockets === undefined) throw new Error('the answer of the test is not understood');
  return sockets;
};

describe('an answer about sockets', () => {
  it('gives connections and queue of who listens on that very address', () => {
    const sockets = parsed('c 0a000001 80 12\nc 0a000002 80 3\nl 0a000001 80 2\nend\n');
    expect(connectionsIn(sockets)({ ip: '10.0.0.1', port: 80 })).toEqual({ connections: 12, acceptQueue: 2 });
    expect(connectionsIn(sockets)({ ip: '10.0.0.2', port: 80 })).toBeUndefined();
  });

  it('takes a socket on all addresses, of either family, as the instance', () => {
    const v4 = parsed(`c 0a000001 80 1\nl 00000000 80 4\nend\n`);
    const v6 = parsed(`c 0a000001 80 1\nl ${'0'.repeat(32)} 80 5\nend\n`);
    expect(connectionsIn(v4)({ ip: '10.0.0.1', port: 80 })).toEqual({ connections: 1, acceptQueue: 4 });
    expect(connectionsIn(v6)({ ip: '10.0.0.1', port: 80 })).toEqual({ connections: 1, acceptQueue: 5 });
  });

  it('finds IPv6', () => {
    const hex = `fd${'0'.repeat(29)}1`;
    const sockets = parsed(`c ${hex} 80 7\nl ${hex} 80 0\nend\n`);
    expect(connectionsIn(sockets)({ ip: 'fd00::1', port: 80 })).toEqual({ connections: 7, acceptQueue: 0 });
  });

  it('says 0 only where somebody listens', () => {
    const sockets = parsed('l 0a000001 80 0\nend\n');
    expect(connectionsIn(sockets)({ ip: '10.0.0.1', port: 80 })).toEqual({ connections: 0, acceptQueue: 0 });
    expect(connectionsIn(sockets)({ ip: '10.0.0.1', port: 81 })).toBeUndefined();
  });

  it.each([
    '',
    'end',
    'c 0a000001 80 1\n',
    'failed send: Permission denied\n',
    'c 0a 80 1\nend\n',
    'x\nend\n',
  ])('that is %j is not understood', (text) => {
    expect(parseSockets(text)).toBeUndefined();
  });

  it('that is cut off anywhere is not understood', () => {
    const whole = 'c 0a000001 80 12\nl 0a000001 80 2\nend\n';
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), (at) => {
        expect(parseSockets(whole.slice(0, at))).toBeUndefined();
      }),
    );
  });
});
