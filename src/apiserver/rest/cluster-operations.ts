/** Owns the operation that shows the cluster as a whole. */
import { envelope } from '../../ops/envelope.ts';
import { status } from '../../ops/status.ts';
import { READ_QUERY } from './fields.ts';
import { type Operation, operation } from './operation.ts';

/** The operation. */
export const STATUS_OPERATION: Operation = operation({
  id: 'status',
  method: 'GET',
  path: '/v1/status',
  summary: 'Store, agents, leader and what is not as it should be, as sluice status -o json',
  params: {},
  query: READ_QUERY,
  answers: ['Status'],
  handle: async ({ read }) => {
    const report = await status(read);
    return { kind: 'json', value: envelope('Status', report.store.revision, [{ ...report }]) };
  },
});
