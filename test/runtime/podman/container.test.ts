/** Tests the words of containers, and reading what podman says of them. */
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/errors.ts';
import {
  type Container,
  envFileText,
  parseContainer,
  runWords,
} from '../../../src/runtime/podman/container.ts';

const CONTAINER: Container = {
  name: 'sluice-0123456789ab-web-1',
  image: 'docker.io/library/nginx:1.27',
  labels: { 'sluice.run': '00' },
  user: { name: 'shop', uid: 1000, gid: 1001 },
  workingDirectory: '/',
  limits: {},
  envFile: '/s/env',
  command: ['--privileged', '-p', '80'],
};

describe('a container', () => {
  it('has image and arguments last, so that none is taken for an option of podman', () => {
    expect(runWords(CONTAINER).slice(-6)).toEqual([
      '--env-file',
      '/s/env',
      CONTAINER.image,
      ...CONTAINER.command,
    ]);
  });

  it('is in the network of the node, writes into our files, is not restarted, and can gain nothing', () => {
    const text = runWords(CONTAINER).join(' ');
    for (const words of [
      '--network=host',
      '--log-driver=passthrough',
      '--restart=no',
      '--pull=never',
      '--user 1000:1001',
      '--cap-drop all',
      '--security-opt no-new-privileges',
      '--label sluice.run=00',
    ]) {
      expect(text).toContain(words);
    }
    expect(text).not.toContain('--workdir');
  });

  it('has the limits and the folder of the order', () => {
    const limits = { cpu: 0.5, memoryBytes: 1_048_576, pids: 5, files: 99 };
    const text = runWords({ ...CONTAINER, limits, workingDirectory: '/srv' }).join(' ');
    expect(text).toContain('--cpus 0.5 --memory 1048576b --memory-swap 1048576b --pids-limit 5');
    expect(text).toContain('--ulimit nofile=99:99');
    expect(text).toContain('--workdir /srv');
  });

  it('has an environment of lines, and refuses what a line cannot hold', () => {
    expect(envFileText({ A: ' "x" #y=', B: '' })).toBe('A= "x" #y=\nB=\n');
    for (const value of ['a\nb', 'a\r']) {
      expect(() => envFileText({ A: value })).toThrow(SluiceError);
    }
  });
});

const END = '2026-11-22T21:39:29.560675863Z';
const inspect = (state: object): string =>
  JSON.stringify([{ Id: 'abc', State: state, Config: { Labels: { 'sluice.run': '00' }, Env: ['A=b'] } }]);
const exitOf = (state: object): unknown =>
  parseContainer(inspect({ Status: 'exited', FinishedAt: END, ...state }))?.exit;

describe('what podman says', () => {
  it.each([
    [{ Status: 'running', Pid: 7 }, 'running'],
    [{ Status: 'paused', Pid: 7 }, 'running'],
    [{ Status: 'created', Pid: 0 }, 'changing'],
    [{ Status: 'exited', ExitCode: 1, FinishedAt: END }, 'exited'],
    [{ Status: 'stopped', ExitCode: 1, FinishedAt: END }, 'exited'],
  ])('of %j: %s', (state, kind) => {
    expect(parseContainer(inspect(state))).toMatchObject({ kind, id: 'abc', run: '00', env: ['A=b'] });
  });

  it('of ends', () => {
    const at = '2026-11-22T21:39:29.560Z';
    expect(exitOf({ ExitCode: 7 })).toEqual({
      code: 7,
      signal: undefined,
      outOfMemory: false,
      at,
      lost: false,
    });
    expect(exitOf({ ExitCode: 137, OOMKilled: true })).toMatchObject({
      signal: 'SIGKILL',
      outOfMemory: true,
    });
  });

  it('nothing that can be used', () => {
    for (const text of ['', '[]', 'null', '[{"Id": 1}]', '{']) expect(parseContainer(text)).toBeUndefined();
  });
});
