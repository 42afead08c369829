# Measuring client: blocking sockets, one system call between two readings of the clock. Perl because every Debian has it (perl-base is
# essential), and only what that brings: Socket, and clock_gettime by its number. Reads one order a line on stdin:
#   connect PORT COUNT IP,IP,…   nanoseconds of each connect
#   echo    PORT COUNT IP,IP,…   nanoseconds of each connect with one byte there and back
#   serve   PORT COUNT IP        which instance answered: lines of IP=COUNT
#   rate    PORT MS PROCESSES IP,IP,…   connections with one byte by so many processes in so many milliseconds
# and answers with one line. A connection that fails is an answer that begins with "error".
use strict;
use Socket;

my ($machine) = (`uname -m` =~ /(\S+)/);
my %CLOCK = (x86_64 => 228, aarch64 => 113, riscv64 => 113, ppc64le => 246, s390x => 260);
my $CLOCK = $CLOCK{$machine} or die "no number of clock_gettime for $machine\n";
# Closing sends a reset: no port waits in TIME_WAIT.
my $LINGER = pack('ii', 1, 0);
$| = 1;
$SIG{PIPE} = 'IGNORE';

sub now { my $b = "\0" x 16; syscall($CLOCK, 1, $b); my ($s, $n) = unpack('qq', $b); return $s * 1_000_000_000 + $n }

sub addresses { my ($port, $ips) = @_; return map { pack_sockaddr_in($port, inet_aton($_)) } split /,/, $ips }

sub open_socket {
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
  setsockopt($s, SOL_SOCKET, SO_LINGER, $LINGER);
  setsockopt($s, 6, 1, 1); # IPPROTO_TCP, TCP_NODELAY
  return $s;
}

sub exchange { my ($s, $byte, $length) = @_;
  defined(syswrite($s, $byte)) or die "write: $!\n";
  my $got = '';
  while (length($got) < $length) { my $n = sysread($s, $got, $length, length($got)); die 'read: ' . ($! || 'closed') . "\n" unless $n }
  return $got;
}

sub timed { my ($echo, $port, $count, $ips) = @_;
  my @to = addresses($port, $ips);
  my @ns;
  for my $i (0 .. $count - 1) {
    my $s = open_socket();
    my $to = $to[$i % @to];
    my $from = now();
    connect($s, $to) or die "connect: $!\n";
    exchange($s, 'e', 1) if $echo;
    push @ns, now() - $from;
    close $s;
  }
  return join ' ', @ns;
}

sub serve { my ($port, $count, $ip) = @_;
  my ($to) = addresses($port, $ip);
  my %seen;
  for (1 .. $count) {
    my $s = open_socket();
    connect($s, $to) or die "connect: $!\n";
    $seen{exchange($s, 'i', 4)}++;
    close $s;
  }
  return join ' ', map { inet_ntoa($_) . "=$seen{$_}" } sort keys %seen;
}

sub rate { my ($port, $ms, $processes, $ips) = @_;
  my @to = addresses($port, $ips);
  my @from;
  for my $p (1 .. $processes) {
    pipe(my $read, my $write) or die "pipe: $!\n";
    if (!fork()) {
      my ($until, $count) = (now() + $ms * 1_000_000, 0);
      while (now() < $until) {
        my $s = open_socket();
        if (!connect($s, $to[($p * 7919 + $count) % @to])) { $count = "error connect: $!"; last }
        eval { exchange($s, 'e', 1); 1 } or do { $count = "error $@"; last };
        close $s;
        $count++;
      }
      syswrite($write, "$count\n");
      require POSIX; POSIX::_exit(0);
    }
    close $write;
    push @from, $read;
  }
  my $sum = 0;
  for my $read (@from) { my $line = <$read>; die $line if $line =~ /^error/; $sum += $line }
  1 while wait() > 0;
  return $sum;
}

while (defined(my $order = <STDIN>)) {
  my ($what, @args) = split ' ', $order;
  my $answer = eval {
      $what eq 'connect' ? timed(0, @args)
    : $what eq 'echo'    ? timed(1, @args)
    : $what eq 'serve'   ? serve(@args)
    : $what eq 'rate'    ? rate(@args)
    : die "unknown order $what\n";
  };
  chomp(my $error = $@);
  print defined $answer ? "$answer\n" : "error $what: $error\n";
}
