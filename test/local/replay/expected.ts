/**
 * What the client must make of each recorded answer, written from the platform's facts and not from the client: one rule
 * for each status, and the answers whose text or data decide, named one by one.
 */
import type { Exchange } from '../../../local/replay/recording.ts'

export interface Expected {
  outcome: string
  error: string | null
}

const is = (outcome: string, error: string | null): Expected => ({ outcome, error })
export const fine = is('ok', null)
const rejected = is('fail-run', 'RequestRejected')

/** 500 is a handler that died: its text alone tells why. */
const byText: [text: RegExp, Expected][] = [
  [/storage '\w+' (?:is disabled|does not exist|does not support backups)/, is('fail-guest', 'StorageUnusable')],
  [/unable to activate storage/, is('fail-guest', 'StorageUnusable')],
  [/cannot remove protected volume/, is('fail-guest', 'StorageUnusable')],
  [/volume_size_info on|volume '\S+' does not exist/, is('fail-guest', 'SourceUnreadable')],
  [/unable to parse directory volume name/, rejected],
  [/hostname lookup '\w+' failed/, is('retry', 'NodeOffline')],
  [/Configuration file '\S+' does not exist/, is('fail-guest', 'GuestNotFound')],
  // The wish is fulfilled.
  [/CT \d+ not running/, fine],
]

export function expectedOf({ request, response }: Exchange): Expected {
  const starts = request.method === 'POST' && request.path.endsWith('/vzdump')
  const text = `${response.body ?? ''} ${response.statusLine ?? ''}`
  switch (response.status ?? 0) {
    case 200:
      return expectedOfData(request.path, starts, response)
    case 401:
      return is('fail-run', 'CredentialsRejected')
    case 403:
      return is('fail-run', 'PrivilegeMissing')
    case 400:
      // A task that a node has forgotten: nothing proves what became of the backup.
      if (/no such task/.test(text) && /%3Avzdump%3A.*\/status$/.test(request.path)) {
        return is('fail-guest', 'BackupFailed')
      }
      return rejected
    case 301:
    case 308:
    case 501:
    case 506:
      return rejected
    case 595:
      return request.path.includes('/nodes/') ? is('retry', 'NodeOffline') : is('retry', 'PlatformUnavailable')
    case 500:
      return (
        byText.find(([pattern]) => pattern.test(text))?.[1] ??
        // Started or not, nobody knows.
        (starts ? is('retry', 'BackupStartUnclear') : is('retry', 'PlatformUnavailable'))
      )
    default:
      return is('none', `no rule for ${response.status ?? 'no answer'}`)
  }
}

function expectedOfData(path: string, starts: boolean, { body }: Exchange['response']): Expected {
  if (starts && body === '{"data":"OK"}') return is('fail-guest', 'NothingBackedUp')
  if (!/\/tasks\/[^/]+\/status$/.test(path)) return fine
  const exit = /"exitstatus":"((?:[^"\\]|\\.)*)"/.exec(body ?? '')?.[1]
  if (exit === undefined || exit === 'OK' || /^WARNINGS: \d+$/.test(exit)) return fine
  if (path.includes('%3Avzdump%3A')) return is('fail-guest', 'BackupFailed')
  return byText.find(([pattern]) => pattern.test(exit))?.[1] ?? is('fail-guest', 'PlatformTaskFailed')
}

/** Requests of the recordings that the client never makes. */
export const notOurs: readonly RegExp[] = [
  /^(?:HEAD|OPTIONS) /,
  /^[A-Z]+ \/(?!api2\/json\/)/,
  /^\w+ \/api2\/json\/(?:cluster\/(?:backup|backup-info|ha\/status|nextid|status|tasks)|access\/(?:users|password)|pools|storage|nosuch)/,
  /^GET \/api2\/json\/(?:access|cluster|nodes|access\/ticket|version\/|version with space)?(?:\?.*)?$/,
  /^(?:POST|PUT) \/api2\/json\/version$/,
  /^GET \/api2\/json\/nodes\/(?:[^/]+(?:\/(?:nosuch|scan|disks\/list|time|status|qemu|lxc|vzdump\/\w+.*))?|\.\.\/version|no_such%20node\/status)(?:\?.*)?$/,
  /^GET \/api2\/json\/nodes%2Fpve1%2Fstatus$/,
  /^GET \/api2\/json\/nodes\/\w+\/(?:lxc|qemu)\/\d+(?:\/snapshot)?$/,
  /^(?:POST|DELETE) \/api2\/json\/nodes\/\w+\/lxc(?:\/\d+(?:\?.*)?)?$/,
  /^GET \/api2\/json\/nodes\/\w+\/storage\/\w+(?:\/(?:status|identity|file-restore\/.*))?$/,
  /^POST \/api2\/json\/nodes\/\w+\/storage\/\w+\/upload$/,
  /^DELETE \/api2\/json\/nodes\/\w+\/(?:vzdump|storage\/\w+\/prunebackups)(?:\?.*)?$/,
  /^GET \/api2\/json\/nodes\/\w+\/tasks\/[^/]+$/,
  /\/log\?.*\bdownload=1/,
]
