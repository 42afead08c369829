import { describe, expect, it } from 'vitest';
import { checkedIp, diffRoutes } from '../../src/dataplane/entry-routes.ts';

const FACTS = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };
const NOTHING = { ours: new Map<string, string>(), foreign: new Set<string>() };

describe('the difference of routes', () => {
  it('adds each address once, with the source of its family', () => {
    const { add } = diffRoutes(['10.96.0.1', '10.96.0.1', 'fd00::10'], FACTS, NOTHING);
    expect([...add]).toEqual([
      ['10.96.0.1', '10.0.0.1'],
      ['fd00::10', 'fd01::1'],
    ]);
  });

  it('replaces a route when the node has another address, and removes what no entry needs', () => {
    const ours = new Map([
      ['10.96.0.1', '10.0.0.9'],
      ['10.96.0.2', '10.0.0.1'],
      ['10.96.0.3', '10.0.0.1'],
    ]);
    const delta = diffRoutes(['10.96.0.1', '10.96.0.2'], FACTS, { ...NOTHING, ours });
    expect([...delta.replace]).toEqual([['10.96.0.1', '10.0.0.1']]);
    expect(delta).toMatchObject({ add: new Map(), remove: ['10.96.0.3'], refused: new Map() });
  });

  it('refuses an address of the node itself, and one that it has no source for', () => {
    const current = { ...NOTHING, foreign: new Set(['10.0.0.1']) };
    const delta = diffRoutes(['10.0.0.1', 'fd00::10'], { nodeIpv4: '10.0.0.1' }, current);
    expect(delta.add.size).toBe(0);
    expect([...delta.refused.keys()]).toEqual(['10.0.0.1', 'fd00::10']);
  });

  it('lets only canonical addresses into a command', () => {
    expect(checkedIp('fd00::10')).toBe('fd00::10');
    for (const text of ['10.0.0.1 dev eth0', '10.0.0.1\nroute flush', 'default', '', 'FD00::10']) {
      expect(() => checkedIp(text)).toThrow(expect.objectContaining({ code: 'internal' }));
    }
  });
});
