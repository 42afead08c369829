import { describe, expect, it } from 'vitest';
import { openConntrack } from '../../src/dataplane/conntrack.ts';
import type { Exec } from '../../src/host/exec.ts';
import { parseEntry } from '../../src/model/entry.ts';
import type { Stale } from '../../src/rules/gone.ts';

const STALE: Stale = {
  entry: parseEntry('10.96.0.1:80'),
  answeredBy: { ip: '10.0.0.9', port: 8080 },
  unanswered: false,
};
const GONE = { exitCode: 1, stdout: '', stderr: "conntrack: Operation failed: such conntrack doesn't exist" };
const DONE = { exitCode: 0, stdout: '', stderr: 'conntrack: 3 flow entries have been deleted.' };

/** A tool that answers in this order, then as at last. */
function answering(...answers: readonly (typeof DONE)[]): {
  readonly exec: Exec;
  readonly runs: () => number;
} {
  let runs = 0;
  const exec: Exec = async () => {
    runs += 1;
    return answers[Math.min(runs, answers.length) - 1] ?? DONE;
  };
  return { exec, runs: () => runs };
}

describe('forgetting connections', () => {
  it('goes on after a connection that ended by itself while the tool went through the table', async () => {
    const tool = answering(GONE, GONE, DONE);
    expect(await openConntrack(tool.exec).forget([STALE])).toBe(1);
    expect(tool.runs()).toBe(3);
  });

  it('gives up when the tool never gets through', async () => {
    const tool = answering(GONE);
    await expect(openConntrack(tool.exec).forget([STALE])).rejects.toMatchObject({ code: 'failed' });
    expect(tool.runs()).toBe(20);
  });

  it('looks once where several may be, and runs nothing for those that are not there', async () => {
    const waiting = [8080, 8081, 8082].map((port) => ({
      ...STALE,
      answeredBy: { ip: '10.0.0.9', port },
      unanswered: true,
    }));
    const words: (readonly string[])[] = [];
    const there =
      'tcp      6 9 SYN_SENT src=10.0.0.1 dst=10.96.0.1 sport=40000 dport=80 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=8081 dport=40000 mark=0 use=1';
    const exec: Exec = async (_, args) => {
      words.push(args);
      return args[0] === '-L' ? { ...DONE, stdout: there } : DONE;
    };
    expect(await openConntrack(exec).forget(waiting)).toBe(1);
    expect(words.map(([what]) => what)).toEqual(['-L', '-D']);
    expect(words.every((args) => args.join(' ').endsWith('--state SYN_SENT'))).toBe(true);
    expect(words[1]).toContain('8081');
  });
});
