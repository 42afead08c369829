/** Owns `agent --print-rules`: a ruleset as the restore text that a fresh node would get. Pure. */
import { hasFamily } from '../families.ts';
import type { Ruleset } from '../ruleset.ts';
import { diffChains } from './diff.ts';
import { documentsOf } from './documents.ts';
import { assertRestoreText } from './grammar.ts';
import { NOTHING_INSTALLED } from './parse.ts';
import { renderChains } from './render.ts';

/**
 * The text for `iptables-restore --noflush`, and, if the ruleset has IPv6 entries, that for `ip6tables-restore --noflush` after it, each
 * below a comment that says which. Checked by the same grammar as what is sent.
 * @throws SluiceError `internal` if a line is not known to the grammar
 */
export function printRules(ruleset: Ruleset): string {
  const families = (['ipv4', 'ipv6'] as const).filter(
    (family) => family === 'ipv4' || hasFamily(ruleset, family),
  );
  return families
    .map((family) => {
      const chains = renderChains(ruleset, family);
      const texts = [...documentsOf(diffChains(NOTHING_INSTALLED, chains), chains)].map(({ text }) => text);
      for (const text of texts) assertRestoreText(text, family);
      const program = family === 'ipv4' ? 'iptables-restore' : 'ip6tables-restore';
      return `# ${family}: ${program} --noflush\n${texts.join('')}`;
    })
    .join('');
}
