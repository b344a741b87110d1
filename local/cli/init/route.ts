/** How the bytes leave a site: over SSH, or from a web server that is there already. */
import type { SetUp, SshRouteType } from '../../../functions/providers/set-up.ts'
import type { Asker } from './asker.ts'
import type { Surroundings } from './platform-init.ts'
import { askForSshAccount } from './ssh-account.ts'
import { askForWebServer } from './web-server.ts'
import type { DraftFile } from './write-files.ts'

const NEW_KEY = 'guestlift_ed25519'
const USERS: Readonly<Record<SshRouteType, string>> = { sftp: 'vzdump-read', push: 'vzdump-push' }

export interface AskedRoute {
  /** As the site file has it, with the name of the key's file; and with the key itself. */
  route: { written: Record<string, unknown>; whole: Record<string, unknown> }
  files: DraftFile[]
}

const choices = [
  { value: 'sftp', label: 'sftp: this machine reads them from the node, with a read-only account' },
  { value: 'push', label: 'push: the node sends them to S3 by itself' },
  { value: 'https', label: 'https: this machine reads them from a web server of yours, as on the NAS of the dumps' },
]

/** @param setUp knows what is to be run on each node for an account with this key */
export async function askForRoute(
  host: string,
  asker: Asker,
  surroundings: Surroundings,
  setUp: Pick<SetUp, 'routeCommands'>,
): Promise<AskedRoute> {
  const chosen = await asker.choose(
    {
      flag: '--route',
      message: 'How do the bytes leave the site?',
      usual: 'sftp',
      complaint: (text) => (choices.some(({ value }) => value === text) ? undefined : 'It is sftp, push or https.'),
    },
    choices,
  )
  if (chosen === 'https') {
    const route = await askForWebServer(host, asker, surroundings)
    return { route: { written: route, whole: route }, files: [] }
  }
  const type = chosen === 'push' ? 'push' : 'sftp'
  const { written, whole, files } = await askForSshAccount(
    {
      does: 'reads the backups',
      usual: `${USERS[type]}@${host}`,
      flags: { account: '--ssh', key: '--ssh-key' },
      newKey: NEW_KEY,
      tell: (username, publicLine) =>
        asker.say(
          'Make the account for the bytes, as root on each node:',
          setUp.routeCommands(type, username, publicLine),
        ),
    },
    asker,
    surroundings,
  )
  return { route: { written: { type, ...written }, whole: { type, ...whole } }, files }
}
