/** Owns the order of the help of the program: commands and topics first, then the options. Pure. */
import { type Command, Help } from 'commander';

/** Sections of a help text: each begins with a heading that ends in a colon. */
function sectionsOf(text: string): readonly string[] {
  return text.split(/\n\n(?=[A-Z][^\n]*:\n)/);
}

const isOptions = (section: string): boolean => /^[^\n]*options[^\n]*:\n/i.test(section);

/** Help in commander's words, but for the program itself with the options behind the commands. */
export function formatHelp(command: Command, helper: Help): string {
  const text = Help.prototype.formatHelp.call(helper, command, helper);
  if (command.parent !== null) return text;
  const [head = '', ...sections] = sectionsOf(text.trimEnd());
  const ordered = [...sections.filter((section) => !isOptions(section)), ...sections.filter(isOptions)];
  return `${[head, ...ordered].join('\n\n')}\n`;
}
