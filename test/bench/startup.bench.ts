import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publish } from '../../src/ops/publish.ts';
import { assertNone, type LabStore, openLabStore, specOf } from '../cluster/harness/control.ts';
import { SLUICE } from '../cluster/harness/program.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { type Figure, recordFigures } from './figures.ts';
import { type Command, paired } from './paired.ts';

const SERVICES = 500;
const PAIRS = 21;

const BARE: Command = { argv: [process.execPath, '-e', '0'] };

describe('how fast a command starts', () => {
  const lab = useLab({ nodes: 1, etcd: 1 });
  let control: LabStore;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
    control = await openLabStore(lab());
    const specs = Array.from({ length: SERVICES }, (_, index) =>
      specOf(`s${index}`, `10.96.${Math.floor(index / 250)}.${(index % 250) + 1}:80`, [
        '10.77.0.1:8080',
        '10.77.0.1:8081',
      ]),
    );
    assertNone((await publish(control.deps, specs)).failures);
  });
  afterAll(async () => {
    await control.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('measures --help and list against bare node', async () => {
    const [node = '', script = ''] = SLUICE;
    const [nsenter = '', ...inside] = lab().node(1).ns.enter([]);
    const env = { SLUICE_ENDPOINTS: lab().etcd().endpoints, HOME: folder };
    const list: Command = { argv: [nsenter, ...inside, node, script, 'list'], env };
    const bareInside: Command = { argv: [nsenter, ...inside, ...BARE.argv] };
    const help = await paired({ argv: [node, script, '--help'] }, BARE, PAIRS);
    const listed = await paired(list, bareInside, PAIRS);
    const figure = (what: string, { aMs, bMs, ratio }: typeof help, limit: number): Figure => ({
      what,
      measured: `${ratio.toFixed(2)} × (${aMs.toFixed(0)} ÷ ${bMs.toFixed(0)} ms)`,
      target: `≤ ${limit} ×`,
      met: ratio <= limit,
    });
    const missed = recordFigures(
      `Start-up, against \`node -e 0\`, ${PAIRS} pairs, Node ${process.versions.node.split('.')[0]}`,
      [figure('`sluice --help`', help, 1.5), figure(`\`sluice list\` of ${SERVICES} services`, listed, 3.5)],
    );
    expect(missed).toEqual([]);
  });
});
