/** The account that brings guests back, and how their archives come to the nodes. Left out, restores are by hand. */
import type { SetUp, SshDeliveryType } from '../../../functions/providers/set-up.ts'
import type { Asker } from './asker.ts'
import type { Surroundings } from './platform-init.ts'
import { askForSshAccount } from './ssh-account.ts'
import type { DraftFile } from './write-files.ts'

const NEW_KEY = 'guestlift_restore_ed25519'
const USERS: Readonly<Record<SshDeliveryType, string>> = { sftp: 'vzdump-write', pull: 'vzdump-pull' }

const choices = [
  { value: 'none', label: 'none: later, or by hand with standard tools' },
  { value: 'pull', label: 'pull: the node fetches the archive from S3 by itself' },
  { value: 'sftp', label: 'sftp: this machine writes the archive to the node' },
  { value: 'import', label: 'import: the platform fetches the disks of VMs, over its API alone' },
]

export interface AskedRestores {
  /** The block `restore`: as the site file has it, and with the key itself. */
  restore: { written: Record<string, unknown>; whole: Record<string, unknown> }
  files: DraftFile[]
}

/** @param logIn asks for an account of the platform and its secret */
export async function askForRestores(
  host: string,
  asker: Asker,
  surroundings: Surroundings,
  setUp: SetUp,
  logIn: (usual: string) => Promise<Record<string, string>>,
): Promise<AskedRestores | undefined> {
  const chosen = await asker.choose(
    {
      flag: '--restores',
      message: 'How are guests brought back by one command?',
      usual: 'none',
      complaint: (text) =>
        choices.some(({ value }) => value === text) ? undefined : 'It is none, pull, sftp or import.',
    },
    choices,
  )
  if (chosen === 'none') return undefined
  const { usualRestoreAccount: usual } = setUp
  asker.say('Make an account for restores, as root on a node:', [
    ...setUp.restoreCommands(usual, 'local'),
    ...(chosen === 'import' ? setUp.importCommands(usual, 'local', host) : []),
  ])
  const auth = await logIn(usual)
  if (chosen === 'import') {
    const restore = { auth, delivery: { type: 'import' } }
    return { restore: { written: restore, whole: restore }, files: [] }
  }
  const type = chosen === 'pull' ? 'pull' : 'sftp'
  const { written, whole, files } = await askForSshAccount(
    {
      does: 'receives what is brought back',
      usual: `${USERS[type]}@${host}`,
      flags: { account: '--restore-ssh', key: '--restore-ssh-key' },
      newKey: NEW_KEY,
      tell: (username, publicLine) =>
        asker.say(
          "Make the account that receives archives' files, as root on each node:",
          setUp.deliveryCommands(type, username, publicLine),
        ),
    },
    asker,
    surroundings,
  )
  const block = (delivery: object) => ({ auth, delivery: { type, ...delivery } })
  return { restore: { written: block(written), whole: block(whole) }, files }
}
