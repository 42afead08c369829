import { describe, expect, it } from 'vitest';
import { ETCD_URLS, parseUrls } from '../../src/store/parse-urls.ts';

describe('the endpoints of etcd', () => {
  it.each([
    ['10.0.0.1:2379', false, 'http://10.0.0.1:2379'],
    ['10.0.0.1', true, 'https://10.0.0.1:2379'],
    ['http://etcd-1.example:80/', false, 'http://etcd-1.example:80'],
    ['HTTPS://h', false, 'https://h:2379'],
    ['[fd00::1]:2379', false, 'http://[fd00::1]:2379'],
    [' h:1 ', false, 'http://h:1'],
  ])('reads %j (certificates: %s) as %s', (text, withTls, expected) => {
    expect(parseUrls([text], ETCD_URLS, withTls)).toEqual([expected]);
  });

  it.each([
    [[], 'no endpoint'],
    [['ftp://h'], 'not of the form'],
    [['h:0'], 'not a port'],
    [['h:70000'], 'not a port'],
    [['h:1/path'], 'not of the form'],
    [['h\nx'], 'not of the form'],
    [[''], 'not of the form'],
    [['http://a', 'https://b'], 'some endpoints are http and some https'],
  ])('refuses %j: %s', (endpoints, why) => {
    expect(() => parseUrls(endpoints, ETCD_URLS, false)).toThrow(
      expect.objectContaining({ code: 'config', why: expect.stringContaining(why) }),
    );
  });

  it('refuses plain http where certificates are given', () => {
    expect(() => parseUrls(['http://h'], ETCD_URLS, true)).toThrow(
      expect.objectContaining({ code: 'config' }),
    );
  });

  it('shows nothing of an endpoint that holds a password', () => {
    const error = thrownBy(() => parseUrls(['http://root:canary@h:1'], ETCD_URLS, false));
    expect(error).toMatchObject({ code: 'config' });
    expect(JSON.stringify([error, String(error), Object.entries(error ?? {})])).not.toContain('canary');
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
