/** Owns the body of `node cordon|uncordon`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { isName } from '../../model/name.ts';
import { parseReference } from '../../model/reference.ts';
import { changeNode, type NodeResult, planNodeChange } from '../../ops/change-node.ts';
import { writeNodeResults } from '../finish-node.ts';
import type { MutationOptions } from '../options.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';

/** What was typed. */
export interface NodeWords {
  readonly verb: 'cordon' | 'uncordon';
  readonly nodes: readonly string[];
}

/** The node that a word names: `n3` or `node/n3`, so that `-o name` pipes back in. */
function nodeNamed(text: string): string {
  if (isName(text)) return text;
  const reference = parseReference(text);
  if (reference.kind === 'node') return reference.node;
  throw new SluiceError('usage', `${text} is not a node`, {
    why: 'cordon and uncordon are for nodes',
    fix: 'write for example n3 or node/n3',
  });
}

/** Cordons nodes or the opposite, or shows what would happen. All are looked up before the first is changed. */
export async function nodeBody(
  session: Session,
  words: NodeWords,
  options: MutationOptions,
): Promise<ResultCode> {
  const names = [...new Set(words.nodes.map(nodeNamed))];
  const { signal } = session;
  const { ifRevision, reason } = options;
  const change = { kind: words.verb } as const;
  const planned = await Promise.all(
    names.map(async (node) => {
      const { item: _item, ...result } = await planNodeChange(
        await readDeps(session),
        { node, change },
        { ifRevision, signal },
      );
      return result;
    }),
  );
  if (options.dryRun === true) {
    await writeNodeResults(session, planned, { dryRun: true });
    return 'ok';
  }
  const deps = await writeDeps(session);
  const results: NodeResult[] = [];
  for (const node of names)
    results.push(await changeNode(deps, { node, change }, { ifRevision, reason, signal }));
  await writeNodeResults(session, results);
  return 'ok';
}
