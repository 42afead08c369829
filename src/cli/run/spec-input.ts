/** Owns getting specs from flags, files and stdin for `publish` and `plan`. */
import { createReadStream } from 'node:fs';
import { SluiceError } from '../../errors.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { parseSpecs } from '../../model/spec.ts';
import { specFromFlags } from '../../model/spec-flags.ts';
import { quoteValue } from '../../model/text.ts';
import type { SpecOptions } from '../commands/publish.ts';
import { readText } from '../io.ts';
import type { Session } from '../session.ts';
import { givenTemplateFlags } from '../template-options.ts';

function exclusive(service: string | undefined, options: SpecOptions): void {
  const flags = [
    service === undefined ? undefined : `the service ${quoteValue(service)}`,
    options.entry === undefined ? undefined : '--entry',
    options.instance === undefined ? undefined : '--instance',
    options.masquerade === undefined ? undefined : '--masquerade',
    options.affinity === undefined ? undefined : '--affinity',
    options.announce === undefined ? undefined : '--announce',
    options.fromRegistry === undefined ? undefined : '--from-registry',
    options.replicas === undefined ? undefined : '--replicas',
    ...givenTemplateFlags(options),
  ].filter((flag) => flag !== undefined);
  if (flags.length === 0) return;
  throw new SluiceError('usage', `-f cannot be used together with ${flags.join(' and ')}`, {
    why: 'the file says everything about its services',
    fix: 'put it into the file, or leave -f out',
  });
}

async function textOf(session: Session, file: string): Promise<string> {
  if (file === '-') return readText(session.deps.io.stdin, 'stdin');
  try {
    return await readText(createReadStream(file), quoteValue(file));
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('usage', `cannot read ${quoteValue(file)}`, {
      why: error instanceof Error ? error.message : String(error),
      fix: 'name a file that can be read, or - for stdin',
      details: { file },
      cause: error,
    });
  }
}

function fromFlags(service: string | undefined, options: SpecOptions): ServiceSpec {
  if (service === undefined) {
    throw new SluiceError('usage', 'no service is named', {
      why: 'neither SERVICE nor -f FILE was given',
      fix: 'sluice publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080',
    });
  }
  if (options.entry === undefined || options.entry.length === 0) {
    throw new SluiceError('usage', `service ${quoteValue(service)} has no entry`, {
      why: '--entry is missing: clients need an address to dial',
      fix: `sluice publish ${service} --entry 10.96.0.10:80 …; a single instance is changed with sluice instance add|set|remove`,
    });
  }
  const { entry: entries, instance: instances = [], masquerade, affinity, announce, replicas } = options;
  const { fromRegistry: registry } = options;
  const template = givenTemplateFlags(options).length === 0 ? undefined : options;
  return specFromFlags({
    name: service,
    entries,
    instances,
    masquerade,
    affinity,
    announce,
    registry,
    replicas,
    template,
  });
}

/**
 * The specs that a command line asks for.
 * @throws SluiceError `usage`, `invalid-spec`
 */
export async function specsFrom(
  session: Session,
  service: string | undefined,
  options: SpecOptions,
): Promise<readonly ServiceSpec[]> {
  if (options.file === undefined) return [fromFlags(service, options)];
  exclusive(service, options);
  if (options.file.filter((file) => file === '-').length > 1) {
    throw new SluiceError('usage', '-f - is given twice', {
      why: 'stdin can be read once',
      fix: 'give it once',
    });
  }
  const specs: ServiceSpec[] = [];
  for (const file of options.file) specs.push(...(await parseSpecs(await textOf(session, file), { file })));
  return specs;
}
