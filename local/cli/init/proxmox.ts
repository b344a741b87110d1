/** Proxmox VE's part of `guestlift init`: what is asked, and what is to be run on the nodes. */
import { AUTO_STORAGE } from '../../../functions/contracts/backup-options.ts'
import { GuestliftError } from '../../../functions/contracts/errors.ts'
import { jobSchema } from '../../../functions/contracts/job.ts'
import { setUpOf } from '../../../functions/providers/registry.ts'
import type { SetUp } from '../../../functions/providers/set-up.ts'
import { openSiteProvider } from '../site/site-provider.ts'
import type { Asker } from './asker.ts'
import { askForRestores } from './restores.ts'
import { askForRoute } from './route.ts'
import { apiAddress, certificateIn } from './tls-identity.ts'
import type { Drafted, PlatformInit, Surroundings } from './platform-init.ts'

const API_PORT = 8006

export const proxmoxInit: PlatformInit = async (asker, surroundings) => {
  const setUp = await setUpOf('proxmox')
  const { addresses, tls } = await asker.untilUsable('--address', () => askForAddresses(asker, setUp, surroundings))
  asker.say(
    'Make an account, as root on a node (leave out what is there):',
    setUp.accountCommands(setUp.usualAccount, 'local'),
  )
  const auth = await askForLogin(asker, setUp.usualAccount, { account: '--account', secret: '--secret-file' })
  const host = addresses[0]?.hostname ?? ''
  const { route, files } = await askForRoute(host, asker, surroundings, setUp)
  const restores = await askForRestores(host, asker, surroundings, setUp, (usual) =>
    askForLogin(asker, usual, { account: '--restore-account', secret: '--restore-secret-file' }),
  )
  const login = {
    provider: 'proxmox',
    name: surroundings.siteName,
    endpoints: addresses.map(({ origin }) => origin),
    tls,
    auth,
  }
  const site = {
    ...login,
    route: route.written,
    ...(restores === undefined ? {} : { restore: restores.restore.written }),
  }
  const storage = await askForStorage(asker, { name: surroundings.siteName, site: { ...login, route: route.whole } })
  return { site, files: [...files, ...(restores?.files ?? [])], backup: { storage } } satisfies Drafted
}

async function askForAddresses(asker: Asker, { showFingerprint }: SetUp, { expectedFingerprints }: Surroundings) {
  const address = await asker.text({
    flag: '--address',
    message: 'Address of a node or of the cluster, or several with commas',
    complaint: (text) => addressesIn(text).complaint,
  })
  const { addresses } = addressesIn(address)
  return { addresses, tls: await certificateIn(addresses, asker, expectedFingerprints, showFingerprint) }
}

function addressesIn(text: string): { addresses: URL[]; complaint?: string } {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  const addresses = words.flatMap((word) => apiAddress(word, API_PORT) ?? [])
  return words.length > 0 && addresses.length === words.length
    ? { addresses }
    : {
        addresses,
        complaint: 'An address is a name or an IP address, as pve1.example.com or https://pve1.example.com:8006.',
      }
}

async function askForLogin(
  asker: Asker,
  usualAccount: string,
  flags: { account: string; secret: string },
): Promise<Record<string, string>> {
  const account = await asker.text({
    flag: flags.account,
    message: 'Token as user@realm!name, or a user as user@realm to log in with a password',
    usual: usualAccount,
    complaint: (text) =>
      /^[^\s:/!]+@[A-Za-z][A-Za-z0-9._-]+(![A-Za-z][A-Za-z0-9._-]+)?$/.test(text)
        ? undefined
        : `It is user@realm!name or user@realm, as ${usualAccount}.`,
  })
  const isToken = account.includes('!')
  const secret = await asker.secret({
    flag: flags.secret,
    message: isToken ? "The token's secret" : `Password of ${account}`,
  })
  return isToken ? { tokenId: account, secret } : { username: account, password: secret }
}

/** Whom the account sees is asked of the site, now that it is known who answers. */
async function askForStorage(asker: Asker, { name, site }: { name: string; site: object }): Promise<string> {
  const question = { flag: '--storage', message: 'Storage that receives the backups first', usual: 'local' }
  const found = await storagesOf(name, site, asker)
  if (found.length === 0) return asker.text(question)
  const choices = [
    ...found,
    { value: AUTO_STORAGE, label: 'auto: the one with most free space, chosen anew each time' },
  ]
  const [first] = found
  return asker.choose({ ...question, usual: first?.value ?? AUTO_STORAGE }, choices)
}

async function storagesOf(name: string, site: object, asker: Asker): Promise<{ value: string; label: string }[]> {
  try {
    const provider = await openSiteProvider(name, JSON.stringify(site))
    try {
      await provider.identify()
      const { guests } = await provider.listGuests()
      const nodes = new Set(guests.filter(({ nodeOffline }) => !nodeOffline).map(({ node }) => node))
      const { backup } = jobSchema.parse({ site: name, guests: { all: true }, backup: { storage: AUTO_STORAGE } })
      const onNodes = await Promise.all(
        [...nodes].map(async (node) => provider.storages?.forBackups(node, backup) ?? []),
      )
      const usable = onNodes.flat().filter(({ backupsAreFiles }) => backupsAreFiles !== false)
      return [...Map.groupBy(usable, ({ storage }) => storage)].map(([storage, places]) => ({
        value: storage,
        label: `${storage} (${places[0]?.type ?? ''}, on ${places.map(({ node }) => node).join(', ')})`,
      }))
    } finally {
      await provider.close()
    }
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    asker.say(`The storages can't be listed yet: ${error.message}`)
    return []
  }
}
