/** An account over SSH that is asked for: who, on which server, by which key. */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { decodeText } from '../../../functions/domain/words/decode-text.ts'
import { openSshPair } from '../../../functions/ssh/private-key.ts'
import { CliError } from '../../run/cli-error.ts'
import { type Asker, Cancelled } from './asker.ts'
import type { Surroundings } from './platform-init.ts'
import { type SshAddress, shownHostKey } from './shown-identities.ts'
import type { DraftFile } from './write-files.ts'

/** What is asked for, and how its questions are called. */
export interface SshQuestions {
  /** What it does, as `reads the backups`. */
  does: string
  /** `user@host` that Enter means. */
  usual: string
  flags: { account: string; key: string }
  /** File of a key that is made where none is named. */
  newKey: string
  /** Shows what is to be run on the nodes for an account with a new key. */
  tell: (username: string, publicLine: string) => void
}

export interface AskedAccount {
  /** As the site file has it, with the name of the key's file; and with the key itself. */
  written: Record<string, unknown>
  whole: Record<string, unknown>
  files: DraftFile[]
}

export async function askForSshAccount(
  { does, usual, flags, newKey, tell }: SshQuestions,
  asker: Asker,
  { folder, expectedHostKeys }: Surroundings,
): Promise<AskedAccount> {
  const { address, hostKeys } = await asker.untilUsable(flags.account, async () => {
    const typed = await asker.text({
      flag: flags.account,
      message: `SSH account that ${does} ({node} stands for the name of the node)`,
      usual,
      complaint: (text) => (sshAddress(text) === undefined ? 'It is user@host or user@host:port.' : undefined),
    })
    const address = sshAddress(typed)
    if (address === undefined) throw new CliError(`${typed} is no user@host.`)
    return { address, hostKeys: await hostKeysOf(address, asker, expectedHostKeys) }
  })
  const { key, privateKey, files } = await askForKey({ flag: flags.key, newKey }, folder, asker, (publicLine) =>
    tell(address.username, publicLine),
  )
  const login = { ...address, hostKeys }
  return { written: { ...login, privateKeyFile: key }, whole: { ...login, privateKey }, files }
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
  { flag, newKey }: { flag: string; newKey: string },
  folder: string,
  asker: Asker,
  tell: (publicLine: string) => void,
): Promise<{ key: string; privateKey: string; files: DraftFile[] }> {
  const isThere = (path: string) => existsSync(resolve(folder, path))
  const key = await asker.text({
    flag,
    message: `File of the private key (a new one is made as ${newKey})`,
    usual: newKey,
    complaint: (path) =>
      isThere(path) || path === newKey ? undefined : `There is no file ${path}. Enter makes a new key.`,
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
