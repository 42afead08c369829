import { describe, expect, it } from 'vitest';
import { codenames, officialLines, officialStanzas } from '../../bin/setup/apt-sources.js';

const BOOKWORM = ['bookworm'];
const KEY = '/usr/share/keyrings/debian-archive-keyring.gpg';

describe('the codenames of a system', () => {
  it('are its own and that of what it is made from', () => {
    expect(codenames('VERSION_CODENAME=virginia\nUBUNTU_CODENAME="jammy"\nID=linuxmint\n')).toEqual([
      'virginia',
      'jammy',
    ]);
  });

  it('are none where the file is missing', () => {
    expect(codenames('')).toEqual([]);
  });
});

describe('one-line lists', () => {
  it.each([
    ['deb http://deb.debian.org/debian bookworm main contrib non-free', 'main'],
    ['  deb [arch=amd64 signed-by=/k.gpg] http://mirror.corp/debian/ bookworm-updates main # ours', 'main'],
    ['deb http://security.debian.org/debian-security bookworm-security main', 'main'],
    ['deb http://archive.debian.org/debian bookworm/updates main', 'main'],
  ])('keeps %s', (line, areas) => {
    const kept = officialLines(`${line}\n`, BOOKWORM);
    expect(kept).toMatch(/^deb .*\n$/);
    expect(kept.endsWith(` ${areas}\n`)).toBe(true);
  });

  it('keeps options and universe', () => {
    const line =
      'deb [signed-by=/k.gpg] http://archive.ubuntu.com/ubuntu noble main restricted universe multiverse';
    expect(officialLines(line, ['noble'])).toBe(
      'deb [signed-by=/k.gpg] http://archive.ubuntu.com/ubuntu noble main universe\n',
    );
  });

  it.each([
    'deb https://download.docker.com/linux/debian bookworm stable',
    'deb https://apt.releases.example.com bookworm main',
    'deb https://deb.nodesource.com/node_20.x nodistro main',
    'deb http://apt.postgresql.org/pub/repos/apt bookworm-pgdg main',
    'deb http://deb.debian.org/debian bookworm-backports main',
    'deb cdrom:[Debian GNU/Linux 12]/ bookworm main',
    'deb-src http://deb.debian.org/debian bookworm main',
    '# deb http://deb.debian.org/debian bookworm main',
    'deb http://deb.debian.org/debian',
    'hello',
  ])('leaves out %s', (line) => {
    expect(officialLines(line, BOOKWORM)).toBe('');
  });
});

describe('lists of stanzas', () => {
  it('keeps what is official, with its key', () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: ${KEY}

Types: deb
URIs: https://deb.nodesource.com/node_20.x
Suites: nodistro
Components: main

Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
`;
    expect(officialStanzas(text, BOOKWORM)).toBe(`types: deb
uris: http://deb.debian.org/debian
suites: bookworm bookworm-updates
components: main
signed-by: ${KEY}

`);
  });

  it('keeps a key that is written inside', () => {
    const text = `Types: deb
URIs: http://archive.ubuntu.com/ubuntu/
Suites: noble
Components: main universe
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
`;
    expect(officialStanzas(text, ['noble'])).toContain(
      'signed-by: -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----\n',
    );
  });

  it.each(['no', 'False', '0'])('leaves out what is switched off with %s', (value) => {
    const text = `Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main\nEnabled: ${value}\n`;
    expect(officialStanzas(text, BOOKWORM)).toBe('');
  });

  it('is empty for no text', () => {
    expect(officialStanzas('', BOOKWORM)).toBe('');
  });
});
