export interface AgentTiming {
  /** How often the agent speaks while it works. */
  speakSeconds: number
  /** How long it goes on without having heard anything. */
  unheardSeconds: number
}

/**
 * The program that the node runs while it sends parts. It is Perl because a Proxmox node can't be without it (the
 * management software is written in it): everything used is in Debian's `perl` or in libio-socket-ssl-perl, which
 * libpve-http-server-perl depends on. curl is on no such list. Nothing is installed; the program arrives on standard
 * input and is gone with its process.
 *
 * The dialogue: one JSON object a line. Guestlift asks one thing at a time and the agent answers with one object that
 * has `ok` or `fail`; before it may come any number of `working` (so that slow isn't silent) and, for `read`, `data`
 * lines, each followed by that many raw bytes. Empty lines from Guestlift are signs of life. The agent ends at once when
 * its input ends, and when it has heard nothing for `unheardSeconds`: a function that is frozen rather than ended closes nothing.
 *
 * It holds 1 MiB of a file at a time, whatever a part's size: a range is read once for its sums and once, then from the
 * page cache, to be sent. Bytes that changed in between don't fit the signed sums, and S3 refuses them.
 *
 * No other `${` and no backtick may stand in it: it is a template string.
 */
export function agentProgram({ speakSeconds, unheardSeconds }: AgentTiming): string {
  return String.raw`use strict;
use warnings;
use Compress::Raw::Zlib ();
use Digest::MD5 ();
use Encode ();
use Errno ();
use Fcntl qw(O_RDONLY O_NONBLOCK SEEK_SET S_ISDIR S_ISREG);
use IO::Socket::IP ();
use JSON::PP ();
use POSIX ();
use Socket ();
use Time::HiRes ();

my $BLOCK_BYTES = 1024 * 1024;
my $SAY_EVERY_SECONDS = ${speakSeconds};
my $UNHEARD_SECONDS = ${unheardSeconds};
my $TICK_SECONDS = $SAY_EVERY_SECONDS < 1 ? $SAY_EVERY_SECONDS : 1;
my $CONNECT_SECONDS = 10;
my $STALL_SECONDS = 60;
# A store that doesn't know "Expect" never says 100; then the body goes out all the same.
my $CONTINUE_SECONDS = 2;
my $MOST_HEAD_BYTES = 65536;
my $MOST_BODY_BYTES = 8192;

my $json = JSON::PP->new->utf8->ascii->canonical;
my ($heard, $heard_at, $said_at, $busy) = ('', now(), now(), 0);
my ($file, $socket, $peer);

sub now { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

# Ends the request under way, not the program.
sub fail { my ($kind, $text) = @_; die { fail => $kind, text => "$text" } }

# Nobody is there to be told, and whatever was being sent must stop.
sub leave { POSIX::_exit(0) }

sub hear {
  my $count = sysread STDIN, $heard, 65536, length $heard;
  leave() if defined $count ? $count == 0 : !($!{EAGAIN} || $!{EINTR});
  leave() if length $heard > 1024 * 1024;
  $heard_at = now();
}

# The one place that waits: until the handle is ready, the time is over (then it returns false), or Guestlift is gone.
sub await_handle {
  my ($handle, $writing, $seconds) = @_;
  my $until = now() + $seconds;
  for (;;) {
    leave() if now() - $heard_at > $UNHEARD_SECONDS;
    # Not while saying something: this would land in the middle of it.
    say_working() unless defined $handle && fileno($handle) == fileno(STDOUT);
    my $left = $until - now();
    my ($readable, $writable) = ('', '');
    vec($readable, fileno(STDIN), 1) = 1;
    if (defined $handle) { vec($writing ? $writable : $readable, fileno($handle), 1) = 1 }
    my $found = select $readable, $writable, undef, $left < 0 ? 0 : $left < $TICK_SECONDS ? $left : $TICK_SECONDS;
    if ($found > 0) {
      hear() if vec($readable, fileno(STDIN), 1);
      return 1 if !defined $handle || vec($writing ? $writable : $readable, fileno($handle), 1);
    }
    return 0 if $left <= 0;
  }
}

sub heed { await_handle(undef, 0, 0) }

sub emit {
  my ($bytes) = @_;
  my $at = 0;
  while ($at < length $bytes) {
    my $count = syswrite STDOUT, $bytes, length($bytes) - $at, $at;
    if (defined $count) { $at += $count }
    elsif ($!{EAGAIN} || $!{EINTR}) { await_handle(\*STDOUT, 1, 1) }
    else { leave() }
  }
  $said_at = now();
}

sub say_line { emit($json->encode($_[0]) . "\n") }
sub say_working { say_line({ working => 1 }) if $busy && now() - $said_at >= $SAY_EVERY_SECONDS }

# ---- the file

sub refuse_file {
  my ($doing) = @_;
  my $kind = $!{ENOENT} || $!{ENOTDIR} ? 'missing' : $!{EACCES} || $!{EPERM} ? 'denied' : 'disk';
  fail($kind, "$doing: $!");
}

sub identity {
  my (@stat) = @_;
  fail('irregular', 'not a regular file') unless S_ISREG($stat[2]);
  return (sizeBytes => $stat[7] + 0, modifiedMilliseconds => POSIX::floor($stat[9] * 1000 + 0.0005));
}

sub path_of { Encode::encode('UTF-8', $_[0]{path}) }

sub do_stat {
  my @stat = Time::HiRes::stat(path_of($_[0])) or refuse_file('stat');
  return { ok => 'stat', identity(@stat) };
}

sub do_open {
  my ($ask) = @_;
  # Not to hang on a pipe that someone put there.
  sysopen $file, path_of($ask), O_RDONLY | O_NONBLOCK or refuse_file('open');
  my @stat = Time::HiRes::stat($file) or refuse_file('stat');
  return { ok => 'open', identity(@stat) };
}

# Calls back with each block of a range; the block is passed by reference and is used again.
sub each_block {
  my ($ask, $use) = @_;
  die "no file is open\n" unless $file;
  defined sysseek $file, $ask->{positionBytes}, SEEK_SET or refuse_file('seek');
  my $left = $ask->{sizeBytes};
  my $block = '';
  while ($left > 0) {
    heed();
    my $count = sysread $file, $block, $left < $BLOCK_BYTES ? $left : $BLOCK_BYTES;
    if (!defined $count) { next if $!{EINTR}; refuse_file('read') }
    fail('short', 'the file ends here') if $count == 0;
    $left -= $count;
    $use->(\$block) or return;
  }
}

sub do_sum {
  my ($ask) = @_;
  my ($crc32, $md5) = (0, Digest::MD5->new);
  each_block($ask, sub {
    my ($block) = @_;
    $crc32 = Compress::Raw::Zlib::crc32($$block, $crc32);
    $md5->add($$block);
    1;
  });
  return { ok => 'sum', crc32 => $crc32 + 0, md5 => $md5->b64digest . '==' };
}

sub do_read {
  my ($ask) = @_;
  each_block($ask, sub {
    my ($block) = @_;
    say_line({ data => length $$block });
    emit($$block);
    1;
  });
  return { ok => 'read' };
}

# ---- the store

sub hang_up { close $socket if $socket; ($socket, $peer) = () }

sub secure { ref($socket) eq 'IO::Socket::SSL' }

# Why the last read or write of the connection did nothing: 'r' or 'w' to wait for, or undef when it is broken.
sub wanted {
  my ($writing) = @_;
  if (secure()) {
    no warnings 'once';
    return 'r' if $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_READ();
    return 'w' if $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_WRITE();
    return;
  }
  return $!{EAGAIN} || $!{EINTR} ? ($writing ? 'w' : 'r') : undef;
}

sub socket_trouble {
  my $error = $!;
  no warnings 'once';
  return secure() && $IO::Socket::SSL::SSL_ERROR ? "$IO::Socket::SSL::SSL_ERROR" : "$error";
}

# Connections are kept from part to part.
sub reach {
  my ($scheme, $host, $port) = @_;
  my $wanted = "$scheme://$host:$port";
  # Something to read before anything was asked: the store has closed it.
  hang_up() if $socket && ($peer ne $wanted || await_handle($socket, 0, 0));
  return if $socket;
  my ($trouble, @addresses) =
    Socket::getaddrinfo($host, $port, { socktype => Socket::SOCK_STREAM(), flags => Socket::AI_ADDRCONFIG() });
  # A host whose only interface is the loopback has no address "configured", by the letter of AI_ADDRCONFIG.
  ($trouble, @addresses) = Socket::getaddrinfo($host, $port, { socktype => Socket::SOCK_STREAM() }) if $trouble;
  fail('dns', "$host: $trouble") if $trouble;
  my $why = 'no address';
  for my $address (@addresses) {
    $socket = IO::Socket::IP->new;
    $socket->socket($address->{family}, Socket::SOCK_STREAM(), 0) or do { $why = "$!"; next };
    $socket->blocking(0);
    my $done = connect $socket, $address->{addr};
    if (!$done && $!{EINPROGRESS}) {
      $! = Errno::ETIMEDOUT();
      if (await_handle($socket, 1, $CONNECT_SECONDS)) {
        $! = unpack 'i', getsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_ERROR();
        $done = $! == 0;
      }
    }
    last if $done;
    $why = "$!";
    hang_up();
  }
  fail('connect', "$host port $port: $why") unless $socket;
  setsockopt $socket, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1;
  $peer = $wanted;
  return if $scheme eq 'http';
  eval { require IO::Socket::SSL; 1 } or do { hang_up(); fail('no-tls', 'IO::Socket::SSL: ' . first_line($@)) };
  my $plain = $socket;
  IO::Socket::SSL->start_SSL($plain, SSL_startHandshake => 0, SSL_verify_mode => IO::Socket::SSL::SSL_VERIFY_PEER(),
    SSL_verifycn_scheme => 'http', SSL_verifycn_name => $host, $host =~ /[a-z]/i ? (SSL_hostname => $host) : ())
    or do { my $trouble = "$IO::Socket::SSL::SSL_ERROR"; hang_up(); fail('tls', $trouble) };
  $socket = $plain;
  my $until = now() + $CONNECT_SECONDS;
  until ($socket->connect_SSL) {
    my $want = wanted();
    my $trouble = "$IO::Socket::SSL::SSL_ERROR";
    next if $want && await_handle($socket, $want eq 'w', $until - now());
    hang_up();
    # OpenSSL says so of a certificate, IO::Socket::SSL of a name.
    fail($trouble =~ /certificate verify|hostname verif|verify_hostname/i ? 'tls' : 'connect', "$host: " . ($want ? 'no TLS handshake' : $trouble));
  }
}

sub first_line { my ($text) = @_; $text =~ s/\n.*//s; $text }

# Returns false when the store has something to say instead of listening on.
sub send_bytes {
  my ($bytes, $inbox) = @_;
  my $at = 0;
  while ($at < length $$bytes) {
    my $count = syswrite $socket, $$bytes, length($$bytes) - $at, $at;
    if (defined $count) { $at += $count; next }
    my $want = wanted(1);
    if (!$want) {
      my $trouble = socket_trouble();
      # Refused and cut: the refusal may lie there to be read.
      return 0 if take_bytes($inbox, 0);
      hang_up();
      fail('cut', $trouble);
    }
    if (!await_handle($socket, $want eq 'w', $STALL_SECONDS)) { hang_up(); fail('stall', 'the store took nothing') }
  }
  return 1;
}

# Adds what has come to the inbox. Returns false when nothing came within the time; the end of the connection fails.
sub take_bytes {
  my ($inbox, $seconds) = @_;
  my $until = now() + $seconds;
  for (;;) {
    my $count = sysread $socket, $$inbox, 65536, length $$inbox;
    return $count if $count;
    my $want = defined $count ? undef : wanted(0);
    if (!$want) {
      return 0 if $seconds == 0;
      my $trouble = defined $count ? 'the store closed the connection' : socket_trouble();
      hang_up();
      fail('cut', $trouble);
    }
    return 0 if $seconds == 0 || !await_handle($socket, $want eq 'w', $until - now());
  }
}

# Has something come while sending? A look that costs nothing where there is nothing.
sub interrupted {
  my ($inbox) = @_;
  return 1 if length $$inbox;
  my $readable = '';
  vec($readable, fileno($socket), 1) = 1;
  return 0 unless select($readable, undef, undef, 0) > 0;
  return take_bytes($inbox, 0);
}

sub parse_head {
  my ($inbox) = @_;
  until ($$inbox =~ /\r\n\r\n/) {
    if (length $$inbox > $MOST_HEAD_BYTES) { hang_up(); fail('garbled', 'the answer has no end of its headers') }
    take_bytes($inbox, $STALL_SECONDS) or do { hang_up(); fail('stall', 'the store gave no answer') };
  }
  $$inbox =~ s/^(.*?)\r\n\r\n//s;
  my ($first, @lines) = split /\r\n/, $1;
  my ($status) = $first =~ m{^HTTP/1\.[01] (\d{3})(?: |$)} or do { hang_up(); fail('garbled', 'the answer is not HTTP') };
  my %header;
  for (@lines) { $header{lc $1} = $2 if /^([^:\s]+):\s*(.*?)\s*$/ }
  return ($status + 0, \%header);
}

# The start of the body, enough for S3's error. The connection is kept only when all was read.
sub parse_body {
  my ($inbox, $header) = @_;
  my $length = $header->{'content-length'};
  my $chunked = lc($header->{'transfer-encoding'} || '') eq 'chunked';
  my $whole = sub {
    return length $$inbox >= $length if defined $length;
    return $chunked && $$inbox =~ /(?:^|\r\n)0\r\n/;
  };
  # An error's text is welcome, not needed: the end of the connection is its end, too.
  until ($whole->() || length $$inbox > $MOST_BODY_BYTES) { eval { take_bytes($inbox, 5) } or last }
  my $complete = defined $length && length $$inbox == $length;
  hang_up() unless $complete && lc($header->{connection} || '') ne 'close';
  my $body = $$inbox;
  if ($chunked) {
    $body = '';
    while ($$inbox =~ s/^([0-9a-f]+)[^\r\n]*\r\n//i && (my $size = hex $1)) {
      $body .= substr $$inbox, 0, $size, '';
      $$inbox =~ s/^\r\n//;
    }
  }
  return substr $body, 0, $MOST_BODY_BYTES;
}

# Connects, and returns what of the URL the request needs.
sub reach_url {
  my ($url) = @_;
  my ($scheme, $host, $port, $target) =
    $url =~ m{^(https?)://(\[[0-9a-f:.]+\]|[^/:?#\[\]\s]+)(?::(\d+))?(/[^#\s]*)$}i or die "not a URL\n";
  my $authority = defined $port ? "$host:$port" : $host;
  $host =~ s/^\[(.*)\]$/$1/;
  reach(lc $scheme, $host, defined $port ? $port : lc $scheme eq 'https' ? 443 : 80);
  return ($authority, $target);
}

sub do_put {
  my ($ask) = @_;
  my ($authority, $target) = reach_url($ask->{url});
  my $head = "PUT $target HTTP/1.1\r\nHost: $authority\r\n";
  for (sort keys %{ $ask->{headers} }) { $head .= "$_: $ask->{headers}{$_}\r\n" }
  # With it the store refuses before the bytes are sent, and its reason isn't lost with a connection that is cut.
  $head .= "Expect: 100-continue\r\n" if $ask->{sizeBytes} > 0;
  my $inbox = '';
  $head .= "\r\n";
  send_bytes(\$head, \$inbox);
  my ($status, $header);
  if ($ask->{sizeBytes} > 0 && (length $inbox || take_bytes(\$inbox, $CONTINUE_SECONDS))) {
    ($status, $header) = parse_head(\$inbox);
    ($status, $header) = () if $status < 200;
  }
  if (!$status) {
    my $sent = 0;
    each_block($ask, sub {
      my ($block) = @_;
      return 0 if interrupted(\$inbox) || !send_bytes($block, \$inbox);
      $sent += length $$block;
    });
    do { ($status, $header) = parse_head(\$inbox) } while $status < 200;
    my $unsent = $sent < $ask->{sizeBytes};
    my $body = parse_body(\$inbox, $header);
    hang_up() if $unsent;
    return answer($status, $header, $body);
  }
  my $body = parse_body(\$inbox, $header);
  hang_up();
  return answer($status, $header, $body);
}

sub answer {
  my ($status, $header, $body) = @_;
  my %kept = map { $_ => substr $header->{$_}, 0, 1024 } grep { /^(etag|x-amz-[a-z0-9-]+)$/ } keys %$header;
  return { ok => 'put', status => $status, headers => \%kept, body => $body };
}

sub do_probe {
  my ($ask) = @_;
  my $tls = eval { require IO::Socket::SSL; IO::Socket::SSL->VERSION };
  fail('no-tls', 'IO::Socket::SSL: ' . first_line($@)) unless $tls;
  if (defined $ask->{path}) {
    # The right to enter the folder, which reading a file in it takes; not that to list it.
    my @stat = stat(path_of($ask) . '/.') or refuse_file('enter');
    fail('irregular', 'not a folder') unless S_ISDIR($stat[2]);
  }
  if (defined $ask->{url}) {
    reach_url($ask->{url});
    hang_up();
  }
  return { ok => 'probe', perl => sprintf('%vd', $^V), tls => "$tls" };
}

# ---- the dialogue

my %do = (stat => \&do_stat, open => \&do_open, sum => \&do_sum, read => \&do_read, put => \&do_put, probe => \&do_probe);

$SIG{PIPE} = 'IGNORE';
# stdin and stdout may be one socket; the one place that waits serves both.
for (\*STDIN, \*STDOUT) { my $flags = fcntl $_, Fcntl::F_GETFL(), 0; fcntl $_, Fcntl::F_SETFL(), $flags | O_NONBLOCK }
emit("guestlift-agent 1\n");
for (;;) {
  my $end;
  await_handle(\*STDIN, 0, 3600) while ($end = index $heard, "\n") < 0;
  my $line = substr $heard, 0, $end + 1, '';
  next if $line eq "\n";
  $busy = 1;
  $said_at = now();
  my $answer = eval {
    my $ask = $json->decode($line);
    my $action = $do{ $ask->{do} } or die "no such request\n";
    $action->($ask);
  };
  if (!$answer) {
    my $trouble = $@;
    # A request that failed halfway leaves a connection that is halfway.
    hang_up();
    $answer = ref $trouble eq 'HASH' ? $trouble : { fail => 'bug', text => first_line("$trouble") };
  }
  $busy = 0;
  say_line($answer);
}
`
}
