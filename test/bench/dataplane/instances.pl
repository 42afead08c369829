# All instances: listens on every address of this machine. One byte 'e' is answered with one byte, 'i' with the four bytes of the address that
# was connected to. Arguments: port, processes. Ends with its stdin.
use strict;
use Socket;

my ($port, $processes) = @ARGV;
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
bind($listener, pack_sockaddr_in($port, INADDR_ANY)) or die "bind: $!\n";
listen($listener, 65535) or die "listen: $!\n";
$SIG{PIPE} = 'IGNORE';
my @children;
for (1 .. $processes) {
  my $pid = fork();
  if ($pid) { push @children, $pid; next }
  while (1) {
    accept(my $s, $listener) or next;
    my $n = sysread($s, my $byte, 1);
    if ($n) { syswrite($s, $byte eq 'i' ? (unpack_sockaddr_in(getsockname($s)))[1] : 'e') }
    close $s;
  }
}
close $listener;
$| = 1;
print "ready\n";
1 while <STDIN>;
kill 'KILL', @children;
