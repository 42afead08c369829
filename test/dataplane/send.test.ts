import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { NOTHING_SENT } from '../../src/dataplane/family-rules.ts';
import { type Prepare, sendAll } from '../../src/dataplane/send.ts';

const READY = Promise.resolve();

const documentsOf = (texts: string, isReached = true): Parameters<typeof sendAll>[0] =>
  texts.split('').map((text) => ({ text, chainsChanged: 1, chainsRemoved: 0, rulesWritten: 2, isReached }));

/** A kernel that takes a text when it is told to. */
function slowKernel(): {
  readonly prepare: Prepare;
  readonly said: string[];
  readonly end: (text: string, error?: Error) => Promise<void>;
} {
  const said: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  return {
    said,
    prepare: (text) => {
      said.push(`check ${text}`);
      return () =>
        new Promise((resolve, reject) => {
          said.push(`start ${text}`);
          ends.set(text, (error) => (error === undefined ? resolve() : reject(error)));
        });
    },
    end: async (text, error) => {
      said.push(`end ${text}`);
      ends.get(text)?.(error);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('sending transactions', () => {
  it('checks the next while the kernel has the one before, and keeps their order', async () => {
    const { prepare, said, end } = slowKernel();
    const sending = sendAll(documentsOf('ab'), { prepare, ready: READY });
    await end('none');
    await end('a');
    await end('b');
    expect(await sending).toEqual({ chainsChanged: 2, chainsRemoved: 0, rulesWritten: 4 });
    expect(said.filter((line) => line !== 'end none')).toEqual([
      'check a',
      'start a',
      'check b',
      'end a',
      'start b',
      'end b',
    ]);
  });

  it('has no more under way than there are lanes', async () => {
    const { prepare, said, end } = slowKernel();
    const sending = sendAll(documentsOf('abc'), { prepare, ready: READY, lanes: 2 });
    await end('none');
    expect(said.filter((line) => line.startsWith('start'))).toEqual(['start a', 'start b']);
    await end('b');
    expect(said.at(-1)).toBe('start c');
    await end('a');
    await end('c');
    await expect(sending).resolves.toMatchObject({ chainsChanged: 3 });
  });

  it('sends what packets reach only when all is ready, the rest before', async () => {
    const { prepare, said, end } = slowKernel();
    const guard = new AbortController();
    const ready = once(guard.signal, 'abort');
    const sending = sendAll([...documentsOf('a', false), ...documentsOf('b')], { prepare, ready });
    await end('none');
    await end('a');
    expect(said).not.toContain('start b');
    guard.abort();
    await end('none');
    expect(said.at(-1)).toBe('start b');
    await end('b');
    await expect(sending).resolves.toMatchObject({ chainsChanged: 2 });
  });

  it('fails as the first one did, when no other is under way, and sends nothing more', async () => {
    const { prepare, said, end } = slowKernel();
    let hasEnded = false;
    const sending = sendAll(documentsOf('abc'), { prepare, ready: READY, lanes: 2 }).finally(() => {
      hasEnded = true;
    });
    const failing = sending.catch(String);
    await end('none');
    await end('b', new Error('b is wrong'));
    expect(hasEnded).toBe(false);
    await end('a', new Error('a is wrong'));
    expect(await failing).toBe('Error: b is wrong');
    expect(said).not.toContain('start c');
  });

  it('waits for what is under way also if a text is refused or nothing gets ready', async () => {
    const { prepare, end } = slowKernel();
    const refusing: Prepare = (text) => {
      if (text === 'b') throw new Error('refused');
      return prepare(text);
    };
    const failing = sendAll(documentsOf('ab'), { prepare: refusing, ready: READY }).catch(String);
    await end('none');
    await end('a');
    expect(await failing).toBe('Error: refused');
    const ready = Promise.reject(new Error('no guard'));
    await expect(sendAll(documentsOf('a'), { prepare, ready })).rejects.toThrow('no guard');
  });

  it('says so if there is nothing to send', async () => {
    expect(await sendAll([], { prepare: () => async () => {}, ready: READY })).toBe(NOTHING_SENT);
  });
});
