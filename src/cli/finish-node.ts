/** Owns what follows a change of nodes: the results on stdout, as lines or as one document. */
import { nodeChangeItem } from '../ops/change-json.ts';
import type { NodeResult } from '../ops/change-node.ts';
import { writeListing } from './output/listing.ts';
import type { Session } from './session.ts';

/** Shows what became of nodes, or with `dryRun` what would. */
export async function writeNodeResults(
  session: Session,
  results: readonly NodeResult[],
  { dryRun = false } = {},
): Promise<void> {
  const { quiet } = session.settings;
  if (quiet && results.every(({ outcome }) => outcome === 'unchanged')) return;
  const lineOf = ({ node, outcome }: NodeResult): string => {
    const words = dryRun ? (outcome === 'unchanged' ? 'is unchanged' : `would be ${outcome}`) : outcome;
    return `node/${node} ${words}\n`;
  };
  await writeListing(session, {
    kind: 'ChangeList',
    revision: Math.max(0, ...results.map(({ revision }) => revision)),
    items: results,
    name: ({ node }) => `node/${node}`,
    json: (result) => nodeChangeItem(result, dryRun),
    columns: [],
    text: () =>
      results
        .filter(({ outcome }) => !quiet || outcome !== 'unchanged')
        .map(lineOf)
        .join(''),
  });
}
