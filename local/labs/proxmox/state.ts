/** The state directory: site, credentials, certificates and host keys in files only their owner may read. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type HostKey, newHostKey } from './ssh-keys.ts'
import { createIdentity, type Identity } from '../shared/certificate.ts'
import type { SiteData } from './world.ts'

export interface Credentials {
  identity: Identity
  /** The cluster whose authority signed it; absent in the files of older labs, whose authority has no such name. */
  clusterId?: string
  hostKey: HostKey
  /** Key pair of the account that may read archives over SSH, and its password. */
  reader: HostKey
  readerPassword: string
  /** Of the account that may write archives there. Absent in the files of older labs. */
  writer?: HostKey
}

function readJson<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined
}

/** Written beside and renamed: a lab that is killed leaves the old state or the new one. */
function writeJson(path: string, value: unknown): void {
  const temporary = `${path}.new`
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 })
  renameSync(temporary, path)
}

/** Certificates and keys, made once per state directory. */
export function loadCredentials(directory: string, names: readonly string[], now: Date): Credentials {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'credentials.json')
  const known = readJson<Credentials>(path)
  if (known !== undefined) {
    if (known.writer !== undefined) return known
    const completed = { ...known, writer: newHostKey() }
    writeJson(path, completed)
    return completed
  }
  const clusterId = randomUUID()
  const made: Credentials = {
    identity: createIdentity(names, now, clusterId),
    clusterId,
    hostKey: newHostKey(),
    reader: newHostKey(),
    readerPassword: randomBytes(12).toString('base64url'),
    writer: newHostKey(),
  }
  writeJson(path, made)
  return made
}

export function newSecrets(): Pick<SiteData, 'ticketKey' | 'csrfKey'> {
  // Tickets are checked by this lab alone; a longer key takes five times as long to make, for each lab that starts.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  return {
    ticketKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    csrfKey: randomBytes(32).toString('base64'),
  }
}

export function loadSite(directory: string): SiteData | undefined {
  return readJson<SiteData>(join(directory, 'site.json'))
}

export function saveSite(directory: string, site: SiteData): void {
  if (existsSync(directory)) writeJson(join(directory, 'site.json'), site)
}
