/** Owns `agent --print-rules --dataplane nftables`: a ruleset as the text that a fresh node would get. Pure. */
import { hasFamily } from '../families.ts';
import type { Ruleset } from '../ruleset.ts';
import { diffRules } from './diff.ts';
import { documentsOf } from './documents.ts';
import { assertNftText } from './grammar.ts';
import { NO_RULES } from './nft-rules.ts';
import { renderRules } from './render.ts';

/**
 * The text for `nft -f`, IPv4 first, IPv6 only if the ruleset has such entries, each below a comment that says which. Checked by the same
 * grammar as what is sent.
 * @param node name of the node, from which the phases of the rules are made
 * @throws SluiceError `internal` if a line is not known to the grammar
 */
export function printNftRules(ruleset: Ruleset, node: string): string {
  const hasIpv6 = hasFamily(ruleset, 'ipv6');
  return (['ipv4', ...(hasIpv6 ? (['ipv6'] as const) : [])] as const)
    .map((family) => {
      const desired = renderRules(ruleset, family, node);
      const delta = diffRules(NO_RULES, desired);
      const documents = [...documentsOf({ family, delta, installed: NO_RULES, desired, table: 'absent' })];
      for (const { text } of documents) assertNftText(text, family);
      return `# ${family}\n${documents.map(({ text }) => text).join('')}`;
    })
    .join('');
}
