/**
 * Owns the last step before a program under systemd: a small perl program, run as the instance's user, that reads folder, words and environment
 * from its stdin and becomes the program. So nothing of an order stands on a command line or in a unit (which everybody may read), nothing is
 * expanded by systemd ($, %), and the environment is exactly the order's.
 */

/** Exit code when the program could not be started; why is on stderr, after `sluice: `. */
export const NOT_LAUNCHED = 125;

const PROGRAM = `use strict; sub fail { print STDERR "sluice: $_[0]\\n"; exit ${NOT_LAUNCHED} }
local $/; my $text = <STDIN>; my @words = split /\\0/, $text // "", -1; pop @words;
my ($folder, $count) = splice @words, 0, 2; fail("the order of this start is gone") unless $count;
my @command = splice @words, 0, $count; %ENV = (); for (@words) { my ($name, $value) = split /=/, $_, 2; $ENV{$name} = $value }
chdir $folder or fail("cannot enter $folder: $!");
fail("working directory $folder is not what it was") unless (readlink("/proc/self/cwd") // "") eq $folder;
open STDIN, "<", "/dev/null" or fail("cannot open /dev/null: $!");
exec { $command[0] } @command; fail("cannot execute $command[0]: $!");`;

/** Command line of the launcher. @param perl absolute path */
export const launcherCommand = (perl: string): readonly string[] => [perl, '-e', PROGRAM];

/** True if a command line (words with a NUL after each) is the launcher's: it has not become its program yet. */
export const isLauncher = (commandLine: string): boolean => commandLine.includes(`\0-e\0${PROGRAM}\0`);

/** What the launcher reads: folder, number of words, words, variables, a NUL after each. None may hold a NUL (check-environment.ts). */
export function launcherInput(order: {
  readonly workingDirectory: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}): string {
  const { workingDirectory, command, env } = order;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [workingDirectory, String(command.length), ...command, ...variables]
    .map((word) => `${word}\0`)
    .join('');
}
