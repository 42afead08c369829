/** Owns what a plan says of a managed service: replicas, each field of the template that changes, and what that does to its instances. Pure. */
import type { Service } from '../model/service.ts';
import { templateHash } from '../model/template-hash.ts';
import { templateLines } from '../model/template-words.ts';
import type { Template } from '../model/template.ts';
import type { SummaryLine } from './summary-line.ts';

/** Characters of a field's value that a line shows. */
const MAX_SHOWN = 160;

const shown = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text);

function templateChanges(before: Template, after: Template): readonly SummaryLine[] {
  const [was, is] = [templateLines(before), templateLines(after)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name): readonly SummaryLine[] => {
    const [old, now] = [was.get(name), is.get(name)];
    if (old === now) return [];
    const subject = `template ${name}`;
    if (old === undefined) return [{ sign: '+', subject, detail: shown(now ?? '') }];
    if (now === undefined) return [{ sign: '-', subject, detail: shown(old) }];
    return [{ sign: '~', subject, detail: `${shown(old)} → ${shown(now)}` }];
  });
}

const count = (replicas: number): string => `${replicas} ${replicas === 1 ? 'instance' : 'instances'}`;

/** Lines for what changes of replicas and template; none for a service that is and was not managed. */
export function managedLines(before: Service | undefined, after: Service): readonly SummaryLine[] {
  const { template, replicas = 0 } = after;
  const old = before?.template;
  if (template === undefined) {
    if (old === undefined) return [];
    return [
      { sign: '-', subject: 'template', detail: `${count(before?.replicas ?? 0)} are stopped without loss` },
    ];
  }
  if (old === undefined) {
    const lines = [...templateLines(template)].map(([name, text]): SummaryLine => ({
      sign: '+',
      subject: `template ${name}`,
      detail: shown(text),
    }));
    return [{ sign: '+', subject: 'replicas', detail: String(replicas) }, ...lines];
  }
  const from = before?.replicas ?? 0;
  const scaled: readonly SummaryLine[] =
    from === replicas ? [] : [{ sign: '~', subject: 'replicas', detail: `${from} → ${replicas}` }];
  const changes = templateChanges(old, template);
  if (templateHash(old) === templateHash(template) || replicas === 0) return [...scaled, ...changes];
  const detail = `${count(Math.min(from, replicas))} replaced one at a time, each new one ready before the old one is drained`;
  return [...scaled, ...changes, { sign: '~', subject: 'instances', detail }];
}
