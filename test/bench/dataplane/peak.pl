# Runs a program and writes its peak of resident memory in KiB as a line to a file: peak.pl FILE PROGRAM ARGUMENT… Ends as the program ends.
use strict;

my ($file, @argv) = @ARGV;
my ($machine) = (`uname -m` =~ /(\S+)/);
my %GETRUSAGE = (x86_64 => 98, aarch64 => 165, riscv64 => 165, ppc64le => 77, s390x => 77);
my $number = $GETRUSAGE{$machine} or die "no number of getrusage for $machine\n";
my $pid = fork();
if (!$pid) { exec { $argv[0] } @argv; print STDERR "$argv[0]: $!\n"; exit 127 }
waitpid($pid, 0);
my $status = $?;
# RUSAGE_CHILDREN; two struct timeval come before ru_maxrss.
my $usage = "\0" x 144;
syscall($number, -1, $usage);
my (undef, undef, undef, undef, $peak) = unpack('q5', $usage);
open(my $out, '>>', $file) or die "$file: $!\n";
print $out "$peak\n";
close $out;
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
