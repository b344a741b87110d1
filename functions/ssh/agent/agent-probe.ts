/** The part of an agent that looks at a folder and at the way to the store. Needs `filesPart` and `httpPart`. */
export const probePart = String.raw`sub do_probe {
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
`
