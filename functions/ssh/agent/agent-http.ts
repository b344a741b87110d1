/**
 * The part of an agent that talks to the store: HTTP/1.1, with TLS where the URL says so, over a connection that is kept
 * from request to request. No `${` and no backtick may stand in it.
 */
export const httpPart = String.raw`# ---- the store

use IO::Socket::IP ();
use Socket ();

my $CONNECT_SECONDS = 10;
my $STALL_SECONDS = 60;
my $MOST_HEAD_BYTES = 65536;
my $MOST_BODY_BYTES = 8192;
my ($socket, $peer);

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

# What is passed on of an answer.
sub answer {
  my ($status, $header, $body) = @_;
  my %kept = map { $_ => substr $header->{$_}, 0, 1024 } grep { /^(etag|x-amz-[a-z0-9-]+)$/ } keys %$header;
  return { status => $status, headers => \%kept, body => $body };
}
`
