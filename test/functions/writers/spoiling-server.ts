/** Nodes on whose way to the disk bytes change, as in bad memory: OpenSSH, with something between it and its files. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OpenSshServer, startOpenSsh } from '../ssh/openssh-server.ts'

export interface SpoilingServer {
  server: OpenSshServer
  /** Change a byte of the next piece that is written to a file, or of each. */
  spoil(times: 'never' | 'once' | 'always'): void
  /** Is there something left to be spoiled? */
  pending(): boolean
}

const ONCE = 'spoil-once'
const ALWAYS = 'spoil-always'
const spoils = String.raw`sub spoils { unlink("$ENV{HOME}/${ONCE}") || -e "$ENV{HOME}/${ALWAYS}" }`

const sftpServer = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
].find((path) => existsSync(path))

/** Passes packets on to Debian's own server; a write (type 6) ends with the bytes that are written. */
const sftpFilter = String.raw`use strict;
${spoils}
pipe my $out, my $in or die;
if (fork) { open STDIN, '<&', $out or die; close $in; exec $ARGV[0] }
close $out;
binmode STDIN;
sub exactly { my ($count) = @_; my $got = ''; while (length $got < $count) { sysread STDIN, $got, $count - length $got, length $got or exit } $got }
for (;;) {
  my $length = exactly(4);
  my $packet = exactly(unpack 'N', $length);
  substr($packet, -1) ^= "\1" if ord($packet) == 6 && spoils();
  my $whole = $length . $packet;
  my $at = 0;
  while ($at < length $whole) { $at += syswrite $in, $whole, length($whole) - $at, $at or exit }
}
`

/** Stands before Perl's own writing, for every program that is started there. */
const perlModule = String.raw`package Spoiling;
use strict;
use Symbol ();
${spoils}
BEGIN {
  *CORE::GLOBAL::syswrite = sub (*$;$$) {
    my ($name, $bytes, $count, $at) = @_;
    my $handle = Symbol::qualify_to_ref($name, scalar caller);
    ($count, $at) = ($count // length $bytes, $at // 0);
    substr($bytes, $at, 1) ^= "\1" if -f $handle && spoils();
    return CORE::syswrite($handle, $bytes, $count, $at);
  };
}
1;
`

async function startSpoiling(
  config: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<SpoilingServer> {
  const server = await startOpenSsh(config)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(server.folder, name), text)
  const path = (name: string): string => join(server.folder, name)
  return {
    server,
    spoil: (times) => {
      for (const name of [ONCE, ALWAYS]) rmSync(path(name), { force: true })
      if (times !== 'never') writeFileSync(path(times === 'once' ? ONCE : ALWAYS), '')
    },
    pending: () => existsSync(path(ONCE)) || existsSync(path(ALWAYS)),
  }
}

/** For delivery by sftp; `undefined` where the server isn't a program of its own. */
export async function startSpoilingSftp(): Promise<SpoilingServer | undefined> {
  if (sftpServer === undefined) return undefined
  // The shell that runs it finds the server's folder as its home.
  return startSpoiling([`Subsystem sftp perl $HOME/filter.pl ${sftpServer}`], { 'filter.pl': sftpFilter })
}

/** For programs in Perl that the node runs. */
export function startSpoilingPerl(): Promise<SpoilingServer> {
  const run = 'export PERL5OPT="-I$HOME -MSpoiling"\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n'
  return startSpoiling(['ForceCommand sh $HOME/run.sh'], { 'run.sh': run, 'Spoiling.pm': perlModule })
}
