/**
 * Owns which store is meant, etcd or API servers, where both may be named in different places: the stronger source wins and takes the
 * credentials of the other kind out that weaker sources named. Must not know what values mean.
 */
import type { Command } from 'commander';
import { SluiceError } from '../errors.ts';

/** What is settled about the store. */
export interface StoreChoice {
  readonly endpoints: readonly string[];
  /** Undefined: etcd. */
  readonly servers: readonly string[] | undefined;
  readonly prefix: string | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
  readonly tokenFile: string | undefined;
}

/** The weakest first; -1 is not set. */
const SOURCES = ['default', 'config', 'context', 'env', 'cli'];

interface StoreOptions {
  readonly endpoints?: readonly string[];
  readonly server?: readonly string[];
  readonly prefix?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
}

/**
 * Settles it.
 * @param command whose options are resolved
 * @param fallback endpoints where nothing is named
 * @throws SluiceError `config` if one source names both
 */
export function chosenStore(command: Command, fallback: readonly string[]): StoreChoice {
  const { endpoints, server, ...rest } = command.opts<StoreOptions>();
  const rank = (option: string): number => SOURCES.indexOf(command.getOptionValueSource(option) ?? '');
  const [ofEtcd, ofApi] = [rank('endpoints'), rank('server')];
  if (ofApi >= 0 && ofApi === ofEtcd) throw bothNamed();
  /** A value that goes with the other kind counts only if it is named where this kind is, or nearer: then it is a mistake to be told. */
  const unless = (isOther: boolean, option: string, value: string | undefined): string | undefined =>
    isOther && rank(option) < Math.max(ofEtcd, ofApi) ? undefined : value;
  const isApi = ofApi > ofEtcd;
  return {
    endpoints: endpoints ?? fallback,
    servers: isApi ? server : undefined,
    prefix: unless(isApi, 'prefix', rest.prefix),
    user: unless(isApi, 'user', rest.user),
    passwordFile: unless(isApi, 'passwordFile', rest.passwordFile),
    tokenFile: unless(!isApi, 'tokenFile', rest.tokenFile),
  };
}

function bothNamed(): SluiceError {
  return new SluiceError('config', '--server and --endpoints exclude each other', {
    why: 'one names API servers, the other etcd',
    fix: 'give one of them (SLUICE_SERVER and SLUICE_ENDPOINTS, server: and endpoints: are the same)',
    details: { flags: ['--server', '--endpoints'] },
  });
}
