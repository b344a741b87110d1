/** The way to the node breaks, stalls, refuses, or leads to somebody else. */
import { setTimeout as delay } from 'node:timers/promises'
import { type BackupFault, type FaultRoute, onBoth } from './fault.ts'

const MIB = 2 ** 20
const theme = 'Connection to the source'
const copying = { state: 'Copy parts' }
const handshake = { sftp: 'key exchange', https: 'TLS handshake' }
const server = { sftp: 'SSH server', https: 'file server' }

export const sourceConnectionFaults: readonly BackupFault[] = [
  ...onBoth((route) => ({
    name: `the ${server[route]} refuses connections for a while as the upload is opened`,
    theme,
    route,
    happens: 'Open upload is repeated, for up to two hours',
    when: { state: 'Open upload' },
    inject: async ({ lines }) => {
      await lines[route].down()
      await delay(1_500)
      await lines[route].up()
    },
    expected: 'succeeded',
    cause: /ConnectionDropped.*can't connect.*(ECONNREFUSED|closed)/,
  })),
  ...onBoth((route) => ({
    name: `the ${server[route]} refuses connections for a while as parts are copied`,
    theme,
    route,
    happens: 'connected again after 1, 2, 4 and 8 s, then in later rounds for up to two hours',
    when: copying,
    inject: async ({ lines }) => {
      await lines[route].down()
      await delay(2_500)
      await lines[route].up()
    },
    expected: 'succeeded',
    cause: /can't connect.*(ECONNREFUSED|closed)/,
  })),
  ...onBoth((route) => ({
    name: `the connection to the ${server[route]} is reset as it opens`,
    theme,
    route,
    happens: 'connected again, nothing sent twice',
    when: copying,
    inject: ({ lines }) => lines[route].next({ kind: 'reset' }),
    expected: 'succeeded',
    cause: /connect|closed the connection/i,
  })),
  ...onBoth((route) => ({
    name: `the connection is reset in the ${handshake[route]}`,
    theme,
    route,
    happens: 'connected again, nothing sent twice',
    when: copying,
    inject: ({ lines }) => lines[route].next({ kind: 'reset-after', bytes: 300 }),
    expected: 'succeeded',
    cause: /connect|closed the connection/i,
  })),
  {
    name: 'the SSH connection is reset after login, before the first byte',
    theme,
    route: 'sftp',
    happens: 'connected again, nothing sent twice',
    when: copying,
    inject: ({ site }) => site.lab.faults.onSftp({ kind: 'cut-after', bytes: 0 }),
    expected: 'succeeded',
    cause: /broke|closed/,
  },
  {
    name: 'the file server resets the connection on the first request for bytes',
    theme,
    route: 'https',
    happens: 'connected again, nothing sent twice',
    when: copying,
    inject: ({ web }) => {
      let left = 1
      web.misbehave = ({ headers, socket }) => {
        if (headers.range === undefined || left-- <= 0) return false
        socket.destroy()
        return true
      }
    },
    expected: 'succeeded',
  },
  ...onBoth((route) => ({
    name: `the connection to the ${server[route]} is reset in the middle of a part`,
    theme,
    route,
    happens: 'the part is read on over a new connection',
    when: copying,
    inject: ({ lines }) => lines[route].next({ kind: 'reset-after', bytes: MIB }),
    expected: 'succeeded',
  })),
  ...onBoth((route) => ({
    name: `each connection to the ${server[route]} lasts for 20 MiB only`,
    theme,
    route,
    bed: 'large',
    happens: 'parts are read in pieces, over as many connections as it takes',
    when: copying,
    inject: ({ lines }) => lines[route].always({ kind: 'reset-after', bytes: 20 * MIB }),
    expected: 'succeeded',
    long: true,
  })),
  ...onBoth((route) => ({
    name: `the ${server[route]} says nothing at login and closes nothing`,
    theme,
    route,
    happens: 'given up after 20 s, then connected again',
    when: copying,
    inject: ({ lines }) => lines[route].next({ kind: 'stall-after', bytes: 0 }),
    expected: 'succeeded',
    cause: /./,
    long: true,
    check: noticedWithin(30, route),
  })),
  ...onBoth((route) => ({
    name: `the ${server[route]} falls silent in the middle of a part and closes nothing`,
    theme,
    route,
    happens: 'given up after 45 s, then read on over a new connection',
    when: copying,
    inject: ({ lines }) => lines[route].next({ kind: 'stall-after', bytes: MIB }),
    expected: 'succeeded',
    long: true,
    check: noticedWithin(60, route),
  })),
  {
    name: 'sshd closes connections before its banner, as beyond MaxStartups',
    theme,
    route: 'sftp',
    happens: 'connected again after a pause',
    when: copying,
    inject: ({ lines }) => lines.sftp.next({ kind: 'close' }, { kind: 'close' }),
    expected: 'succeeded',
    cause: /closed the connection|ended|lost before handshake|connect/i,
  },
  {
    name: 'the SSH server shows another host key in between',
    theme,
    route: 'sftp',
    bed: 'large',
    happens: 'the guest fails before a credential is sent',
    when: { part: 1 },
    inject: ({ site, lines }) => {
      site.lab.control.presentOtherHostKey()
      lines.sftp.cut()
    },
    expected: ['HostKeyMismatch'],
    cause: /other host keys.*No credential was sent.*ssh-keygen/,
  },
  {
    name: 'the file server shows another certificate in between',
    theme,
    route: 'https',
    bed: 'large',
    happens: 'the guest fails before a credential is sent',
    when: { part: 1 },
    inject: ({ web, lines }) => {
      web.presentOtherCertificate()
      lines.https.cut()
    },
    expected: ['TlsIdentityMismatch'],
    cause: /showed a certificate with SHA-256.*expected/,
  },
  ...onBoth((route) => ({
    name: `the ${server[route]}'s name can't be resolved for a while`,
    theme,
    route,
    happens: 'resolved anew with each connection, as after other drops',
    when: copying,
    inject: async (bed) => {
      bed.resolve(false)
      await delay(2_500)
      bed.resolve(true)
    },
    expected: 'succeeded',
    cause: /EAI_AGAIN/,
  })),
  ...onBoth((route) => ({
    name: `the ${server[route]}'s name doesn't exist`,
    theme,
    route,
    site: `${route}-nowhere`,
    happens: 'the run fails within seconds, before anything is dumped',
    when: 'at the start',
    inject: () => undefined,
    expected: ['RouteUnreachable'],
    cause: /node\.invalid.*(ENOTFOUND|EAI_AGAIN).*Check (its host and port in the site|route\.url)/,
    check: ({ site }) => {
      if (site.lab.control.archives().length > 0) throw new Error('a backup was made that nobody can fetch')
    },
  })),
]

/** From the last byte to the drop of the silent connection. */
function noticedWithin(seconds: number, route: FaultRoute): NonNullable<BackupFault['check']> {
  return ({ told, lines }) => {
    const { silentSince } = lines[route]
    const dropped = told.lines.find(({ event }) => event === 'connection-dropped')
    if (silentSince === undefined || dropped === undefined) throw new Error('nobody noticed the silence')
    const took = (Date.parse(String(dropped['at'])) - silentSince) / 1000
    if (!(took <= seconds)) throw new Error(`the silence was noticed after ${took} s`)
  }
}
