/** Owns the body of `doctor`. */
import { networkInterfaces } from 'node:os';
import { readLiveRules } from '../../dataplane/live/live-tables.ts';
import { tryGuard, tryRules } from '../../dataplane/live/try-rules.ts';
import { chooseLayout } from '../../dataplane/layout-choice.ts';
import { lookAtLayouts } from '../../dataplane/open-layout.ts';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { readAgentStatus } from '../../host/agent-status.ts';
import { readMachine } from '../../host/machine.ts';
import { probeNode } from '../../host/node-probe.ts';
import { doctor, type DoctorDeps, type DoctorReport } from '../../ops/doctor.ts';
import type { DoctorCheck } from '../../ops/doctor-check.ts';
import type { DoctorFlags } from '../commands/doctor.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import type { Paint } from '../palette.ts';
import { writeListing } from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';

const PAINT: Readonly<Record<DoctorCheck['result'], Paint | undefined>> = {
  ok: 'good',
  warn: 'warn',
  fail: 'bad',
  skipped: undefined,
};

async function depsOf(session: Session, flags: DoctorFlags): Promise<DoctorDeps> {
  const stateDir = flags.stateDir ?? DEFAULT_STATE_DIR;
  const { store } = await readDeps(session);
  const { exec } = session.deps;
  return {
    store,
    ownIps: readMachine().addresses,
    readLocal: async () => readAgentStatus(stateDir),
    probe: async () => probeNode(exec, { stateDir, devices: Object.keys(networkInterfaces()) }),
    countRules: async () => (await readLiveRules(exec, 'ipv4')).ruleCounts,
    tryRules: async (layout, family) => tryRules(exec, layout, family),
    tryGuard: async () => tryGuard(exec),
    autoLayout: async () => chooseLayout('auto', (await lookAtLayouts(exec)).facts),
  };
}

function unfit(report: DoctorReport): SluiceError {
  const { checks, fails, warnings } = report;
  const wrong = checks.filter(({ result }) => result === 'fail' || (fails === 0 && result === 'warn'));
  return new SluiceError('unhealthy', `${fails} checks fail, ${warnings} warn`, {
    why: wrong.map(({ check, detail }) => `${check}: ${detail}`).join('; '),
    fix: wrong[0]?.fix ?? undefined,
    details: { checks: wrong },
  });
}

/** Looks at this node. */
export async function doctorBody(session: Session, flags: DoctorFlags): Promise<ResultCode> {
  const report = await doctor(await depsOf(session, flags), session.signal);
  const isFit = report.fails === 0 && (flags.strict !== true || report.warnings === 0);
  if (!(session.settings.quiet && isFit)) {
    await writeListing<DoctorCheck>(
      session,
      {
        kind: 'DoctorReport',
        revision: undefined,
        items: report.checks,
        name: ({ check }) => check,
        json: (item) => item,
        columns: [
          { name: 'CHECK', cell: ({ check }) => check },
          { name: 'RESULT', cell: ({ result }) => result, paint: ({ result }) => PAINT[result] },
          { name: 'DETAIL', cell: ({ detail }) => detail },
          { name: 'FIX', cell: ({ fix }) => fix ?? '' },
        ],
      },
      flags,
    );
  }
  if (!isFit) throw unfit(report);
  return 'ok';
}
