import { describe, expect, it } from 'vitest';
import { parseListen } from '../../src/cli/listen-address.ts';

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1:7070', '127.0.0.1', 7070, true],
    ['9107', '127.0.0.1', 9107, true],
    ['0', '127.0.0.1', 0, true],
    ['0.0.0.0:80', '0.0.0.0', 80, false],
    ['[::1]:80', '::1', 80, true],
    ['[::]:80', '::', 80, false],
  ])('%s is %s, port %i', (text, host, port, isLoopback) => {
    expect(parseListen(text, 'x')).toEqual({ host, port, isLoopback });
  });

  it.each([
    '',
    ':80',
    'localhost:80',
    '127.0.0.1',
    '127.0.0.1:70000',
    '::1:80',
    '1.2.3:80',
    '[127.0.0.1]:80 ',
  ])('%j is none', (text) => {
    expect(() => parseListen(text, '127.0.0.1:1')).toThrow('is not an address to listen on');
  });
});
