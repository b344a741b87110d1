/** The account that the bytes come over: for platforms whose nodes are read over SSH. */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { decodeText } from '../../../functions/domain/words/decode-text.ts'
import type { SetUp, SshRouteType } from '../../../functions/providers/set-up.ts'
import { openSshPair } from '../../../functions/ssh/private-key.ts'
import { CliError } from '../../run/cli-error.ts'
import { type Asker, Cancelled } from './asker.ts'
import type { Surroundings } from './platform-init.ts'
import { type SshAddress, shownHostKey } from './shown-identities.ts'
import type { DraftFile } from './write-files.ts'

const NEW_KEY = 'guestlift_ed25519'
const USERS: Readonly<Record<SshRouteType, string>> = { sftp: 'vzdump-read', push: 'vzdump-push' }

export interface AskedRoute {
  /** As the site file has it, with the name of the key's file; and with the key itself. */
  route: { written: Record<string, unknown>; whole: Record<string, unknown> }
  files: DraftFile[]
}

/** @param setUp knows what is to be run on each node for an account with this key */
export async function askForRoute(
  host: string,
  asker: Asker,
  { folder, expectedHostKeys }: Surroundings,
  setUp: Pick<SetUp, 'routeCommands'>,
): Promise<AskedRoute> {
  const chosen = await asker.choose(
    {
      flag: '--route',
      message: 'How do the bytes leave the site?',
      usual: 'sftp',
      complaint: (text) => (text === 'sftp' || text === 'push' ? undefined : 'It is sftp or push.'),
    },
    [
      { value: 'sftp', label: 'sftp: this machine reads them from the node, with a read-only account' },
      { value: 'push', label: 'push: the node sends them to S3 by itself' },
    ],
  )
  const type = chosen === 'push' ? 'push' : 'sftp'
  const { address, hostKeys } = await asker.untilUsable('--ssh', () =>
    askForAccount(`${USERS[type]}@${host}`, asker, expectedHostKeys),
  )
  const { key, privateKey, files } = await askForKey(folder, asker, (publicLine) => {
    asker.say(
      'Make the account for the bytes, as root on each node:',
      setUp.routeCommands(type, address.username, publicLine),
    )
  })
  const login = { type, ...address, hostKeys }
  return {
    route: { written: { ...login, privateKeyFile: key }, whole: { ...login, privateKey } },
    files,
  }
}

async function askForAccount(usual: string, asker: Asker, expected: readonly string[]) {
  const typed = await asker.text({
    flag: '--ssh',
    message: 'SSH account that reads the backups ({node} stands for the name of the node)',
    usual,
    complaint: (text) => (sshAddress(text) === undefined ? 'It is user@host or user@host:port.' : undefined),
  })
  const address = sshAddress(typed)
  if (address === undefined) throw new CliError(`${typed} is no user@host.`)
  return { address, hostKeys: await hostKeysOf(address, asker, expected) }
}

/** `user@host`, `user@host:22`, `user@[2001:db8::1]:22`. */
export function sshAddress(text: string): SshAddress | undefined {
  const [, username, host, port = '22'] = /^([^\s@]+)@(\[[^\]\s]+\]|[^\s:@/]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  if (username === undefined || host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined
  return { username, host, port: Number(port) }
}

async function hostKeysOf(address: SshAddress, asker: Asker, expected: readonly string[]): Promise<string[]> {
  // Which nodes there are is known after a login only.
  if (address.host.includes('{node}')) {
    if (expected.length > 0) return [...expected]
    throw new CliError('With {node} in the SSH host, give the host key of each node: --host-key SHA256:… for each.')
  }
  const shown = await shownHostKey(address)
  if (expected.includes(shown)) return [...expected]
  if (expected.length > 0) {
    throw new CliError(
      `${address.host}:${address.port} shows the host key ${shown}, and --host-key names another. No login was sent and nothing was written.`,
    )
  }
  asker.say(`The SSH server ${address.host}:${address.port} shows this host key:`, [
    `  ${shown}`,
    '',
    'Compare it on the server itself:',
    '  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
  ])
  const question = { flag: '--host-key', message: `Is ${shown.slice(0, 18)}… the host key of ${address.host}?` }
  if (await asker.confirm(question)) return [shown]
  throw new Cancelled('Stopped, since the host key is not the right one. No login was sent and nothing was written.')
}

async function askForKey(
  folder: string,
  asker: Asker,
  tell: (publicLine: string) => void,
): Promise<{ key: string; privateKey: string; files: DraftFile[] }> {
  const isThere = (path: string) => existsSync(resolve(folder, path))
  const key = await asker.text({
    flag: '--ssh-key',
    message: `File of the private key (a new one is made as ${NEW_KEY})`,
    usual: NEW_KEY,
    complaint: (path) =>
      isThere(path) || path === NEW_KEY ? undefined : `There is no file ${path}. Enter makes a new key.`,
  })
  if (isThere(key)) return { key, privateKey: decodeText(await readFile(resolve(folder, key))), files: [] }
  const pair = openSshPair(generateKeyPairSync('ed25519').privateKey, 'guestlift')
  tell(pair.publicLine)
  return {
    key,
    privateKey: pair.privateKey,
    files: [
      { name: key, text: pair.privateKey, isSecret: true },
      { name: `${key}.pub`, text: `${pair.publicLine}\n`, isSecret: false },
    ],
  }
}
