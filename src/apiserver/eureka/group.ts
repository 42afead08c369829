/** Owns the status of a scaling group (`asgName`): whoever empties one takes all of its instances out at once, and puts them back. */
import { overrideCleared, overridden } from '../../registry/lifecycle.ts';
import { wrongField } from '../../store/api/wire.ts';
import type { Answer, Exchange } from '../http/route.ts';
import type { EurekaParts } from './routes.ts';
import { checkMayRegister } from './write.ts';

const DONE: Answer = { kind: 'empty', status: 200 };
const NOT_FOUND: Answer = { kind: 'empty', status: 404 };
const WORDS = 'must be ENABLED or DISABLED';

/**
 * The handler. The reference server remembers the group, and asks the cloud; here each instance of the group that is registered now is overridden,
 * as by PUT …/status, and what people said of single ones otherwise stays.
 */
export function createGroupStatus({ registry, clock }: EurekaParts): (exchange: Exchange) => Promise<Answer> {
  return async ({ caller, params, query }) => {
    checkMayRegister(caller);
    const value = (query.get('value') ?? '').toUpperCase();
    if (value !== 'ENABLED' && value !== 'DISABLED') throw wrongField('value', query.get('value'), WORDS);
    const group = params.get('group') ?? '';
    const members = registry.copy.catalog
      .apps()
      .flatMap(({ instances }) => instances.map(({ registration }) => registration))
      .filter(({ words }) => words['asgName'] === group);
    const nowMs = clock.now().getTime();
    for (const member of members) {
      await registry.change(member, (known) => {
        if (value === 'DISABLED') return known && overridden(known, 'OUT_OF_SERVICE', nowMs);
        return known?.override === 'OUT_OF_SERVICE' ? overrideCleared(known, known.status, nowMs) : known;
      });
    }
    return members.length === 0 ? NOT_FOUND : DONE;
  };
}
