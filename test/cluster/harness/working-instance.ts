/**
 * Owns an instance that costs processor time: a little HTTP server that counts to a number for each request. What a request costs is counted,
 * not timed, so that a busy machine does not change it.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workplace } from '../../../src/dev/machine.ts';

/** Arguments: IP, PORT, the count, and the IP on which a request costs twice as much. */
const SOURCE = String.raw`use strict; use IO::Socket::INET;
my ($ip, $port, $count, $slow) = @ARGV;
$count *= 2 if $ip eq $slow;
my $listen = IO::Socket::INET->new(LocalAddr => $ip, LocalPort => $port, Listen => 512, ReuseAddr => 1) or die "$@";
while (my $client = $listen->accept) {
  my $text = '';
  while ($text !~ /\r\n\r\n/ && sysread($client, $text, 4096, length $text)) {}
  if ($text !~ m{^GET /stats}) { for (my $at = 0; $at < $count; $at++) {} }
  syswrite $client, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
  close $client;
}
`;

/** Writes the program into a folder. @returns its file; its arguments are IP, PORT, the count, the slow IP */
export async function workingProgram(folder: string): Promise<string> {
  const file = path.join(folder, 'working-instance.pl');
  await writeFile(file, SOURCE, { mode: 0o644 });
  return file;
}

/** Its command line for a template. @param slow a node on which each request costs twice as much */
export async function workingCommand(
  place: Workplace,
  { count, slowIp = 'none' }: { readonly count: number; readonly slowIp?: string },
): Promise<string> {
  const file = await workingProgram(place.folder);
  return ['/usr/bin/perl', file, '{ip}', '{port}', String(count), slowIp].join(' ');
}
