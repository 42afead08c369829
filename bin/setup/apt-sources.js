/** PURE. Owns reading apt's source lists and keeping the distribution's own entries: third parties' may be broken, and are not needed. */

/** Archive areas that hold what Sluice needs: main everywhere, universe on Ubuntu. */
const COMPONENTS = ['main', 'universe'];

/** Suites that have no codename. */
const NAMED = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];

/**
 * Codenames of this system in /etc/os-release, its own and that of what it is made from.
 * @param {string} osRelease text of the file
 * @returns {readonly string[]}
 */
export function codenames(osRelease) {
  const found = osRelease.matchAll(/^(?:VERSION|UBUNTU|DEBIAN)_CODENAME="?([a-z]+)"?$/gm);
  return [...new Set([...found].map((match) => match[1] ?? ''))].filter((name) => name !== '');
}

/**
 * @param {string} uri of an archive
 * @param {string} suite e.g. bookworm-security
 * @param {readonly string[]} names codenames of this system
 * @returns {boolean}
 */
function isOfficial(uri, suite, names) {
  const base = suite.replace(/(-updates|-security|\/updates)$/, '');
  return /debian|ubuntu/i.test(uri) && !uri.startsWith('cdrom:') && [...names, ...NAMED].includes(base);
}

/**
 * The official entries of a one-line list (`deb [options] uri suite component…`).
 * @param {string} text of a .list file
 * @param {readonly string[]} names codenames of this system
 * @returns {string} one-line list, '' if none
 */
export function officialLines(text, names) {
  return text
    .split('\n')
    .map((line) => /^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line))
    .flatMap((match) => {
      if (match === null) return [];
      const [, options = '', uri = '', suite = '', areas = ''] = match;
      const components = areas
        .trim()
        .split(/\s+/)
        .filter((area) => COMPONENTS.includes(area));
      const kept = components.length > 0 && isOfficial(uri, suite, names);
      return kept ? [`deb ${options}${uri} ${suite} ${components.join(' ')}\n`] : [];
    })
    .join('');
}

/**
 * Fields of one stanza by lower-case name; values keep their continuation lines, comments are gone.
 * @param {string} stanza text
 * @returns {ReadonlyMap<string, string>}
 */
function fieldsOf(stanza) {
  const lines = stanza.split('\n').filter((line) => !line.startsWith('#'));
  const fields = lines.join('\n').matchAll(/^([A-Za-z][A-Za-z-]*):((?:.*)(?:\n[ \t].*)*)/gm);
  return new Map([...fields].map((match) => [(match[1] ?? '').toLowerCase(), (match[2] ?? '').trim()]));
}

/**
 * The official entries of a deb822 list (stanzas of `Types`, `URIs`, `Suites`, `Components`).
 * @param {string} text of a .sources file
 * @param {readonly string[]} names codenames of this system
 * @returns {string} deb822 list, '' if none
 */
export function officialStanzas(text, names) {
  return text
    .split(/\n[ \t]*\n/)
    .map(fieldsOf)
    .flatMap((fields) => {
      const words = (/** @type {string} */ field) =>
        (fields.get(field) ?? '').split(/\s+/).filter((word) => word !== '');
      const uris = words('uris');
      const suites = words('suites').filter((suite) => uris.every((uri) => isOfficial(uri, suite, names)));
      const components = words('components').filter((area) => COMPONENTS.includes(area));
      const off = /^(no|false|0|off|without|disable)$/i.test(fields.get('enabled') ?? '');
      const fit = words('types').includes('deb') && !off && uris.length > 0;
      if (!fit || suites.length === 0 || components.length === 0) return [];
      const kept = ['architectures', 'signed-by', 'trusted', 'check-valid-until'].flatMap((field) => {
        const value = fields.get(field);
        return value === undefined
          ? []
          : [`${field}: ${value.replaceAll('\n', '\n ').replaceAll('\n  ', '\n ')}\n`];
      });
      return [
        `types: deb\nuris: ${uris.join(' ')}\nsuites: ${suites.join(' ')}\ncomponents: ${components.join(' ')}\n${kept.join('')}\n`,
      ];
    })
    .join('');
}
