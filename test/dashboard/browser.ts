/** Owns a headless Chromium, spoken to over a pipe in the DevTools protocol: one page, expressions evaluated in it, keys pressed. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';

type Json = Readonly<Record<string, unknown>>;

/** A page. */
export interface BrowserPage {
  /** The value of an expression; promises are waited for. Must be JSON. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  readonly open: (url: string) => Promise<void>;
  readonly press: (key: string) => Promise<void>;
  readonly type: (text: string) => Promise<void>;
  /** `dark` or `light`, as the reader's system would say. */
  readonly scheme: (scheme: 'dark' | 'light') => Promise<void>;
  /** What the page complained about: errors, and what its policy refused. */
  readonly complaints: () => readonly string[];
  readonly close: () => Promise<void>;
}

/** No sandbox of its own: the tests are in one already, as root of a namespace. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--remote-debugging-pipe',
];

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Starts it with an empty profile. */
export async function startBrowser(): Promise<BrowserPage> {
  const profile = await mkdtemp(path.join(tmpdir(), 'sluice-chromium-'));
  const child = spawn('chromium', [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, HOME: profile },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [, , , input, output] = child.stdio;
  if (!(input instanceof Writable) || !(output instanceof Readable))
    throw new Error('Chromium was started without its pipes');
  const protocol = speak(input, output, () => stderr);
  const { targetInfos } = await protocol.send('Target.getTargets', {});
  const targets: readonly unknown[] = Array.isArray(targetInfos) ? targetInfos : [];
  const target = targets.find((one) => isJson(one) && one['type'] === 'page');
  const targetId = isJson(target) ? target['targetId'] : undefined;
  const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: true });
  const ask = async (method: string, params: Json = {}): Promise<Json> =>
    protocol.send(method, params, String(sessionId));
  for (const domain of ['Page', 'Runtime', 'Log']) await ask(`${domain}.enable`);
  return {
    evaluate: async (expression) => {
      const { result } = await ask('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      return isJson(result) ? result['value'] : undefined;
    },
    open: async (url) => void (await ask('Page.navigate', { url })),
    press: async (key) => {
      const event = { key, ...(key.length === 1 ? { text: key } : {}) };
      await ask('Input.dispatchKeyEvent', { ...event, type: 'keyDown' });
      await ask('Input.dispatchKeyEvent', { key, type: 'keyUp' });
    },
    type: async (text) => void (await ask('Input.insertText', { text })),
    scheme: async (value) =>
      void (await ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] })),
    complaints: protocol.complaints,
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Messages are JSON, each ended by a NUL. */
function speak(input: Writable, output: Readable, stderr: () => string) {
  const waiting = new Map<
    number,
    { readonly done: (value: Json) => void; readonly failed: (why: Error) => void }
  >();
  const complaints: string[] = [];
  let id = 0;
  let text = '';
  const take = (message: Json): void => {
    const { method, params, result, error } = message;
    if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded')
      complaints.push(JSON.stringify(params));
    const waiter = waiting.get(Number(message['id']));
    waiting.delete(Number(message['id']));
    if (error === undefined) waiter?.done(isJson(result) ? result : {});
    else waiter?.failed(new Error(JSON.stringify(error)));
  };
  output.setEncoding('utf8');
  output.on('data', (chunk: string) => {
    text += chunk;
    const messages = text.split('\0');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const json: unknown = JSON.parse(message);
      if (isJson(json)) take(json);
    }
  });
  output.once('close', () => {
    for (const { failed } of waiting.values()) failed(new Error(`Chromium ended: ${stderr().slice(-2_000)}`));
  });
  input.on('error', () => undefined);
  const send = async (method: string, params: Json, sessionId?: string): Promise<Json> => {
    id += 1;
    const own = id;
    return new Promise((done, failed) => {
      waiting.set(own, { done, failed });
      input.write(`${JSON.stringify({ id: own, method, params, sessionId })}\0`);
    });
  };
  return { send, complaints: () => complaints };
}
