/** The only place that reads Proxmox's texts: what the platform says becomes one of our facts, with where and what to do. */
import {
  CredentialsRejected,
  GuestIdInUse,
  GuestNotFound,
  type GuestliftError,
  NodeOffline,
  PlatformUnavailable,
  PrivilegeMissing,
  RequestRejected,
  RestoreRefused,
  SourceUnreadable,
  StorageUnusable,
  TlsIdentityMismatch,
} from '../../contracts/errors.ts'
import { otherNames, type ShownCertificate, showedInstead } from '../../tls/connect.ts'
import { adviceOnLock, lockIn, refusedByLock } from './locks.ts'

/** What a call was about; everything an error message needs besides the platform's words. */
export interface About {
  site: string
  /** Who asked: `user@realm` or `user@realm!token`. */
  account: string
  /** What was being done, to follow "cannot": `start the backup`. */
  doing: string
  node?: string
  guest?: string
  storage?: string
}

/** A refusal as it came: the status, and the platform's text from the body or, on older versions, the reason phrase. */
export interface Refused {
  status: number
  text: string
  /** Parameter name → complaint, with 400. */
  parameters?: Readonly<Record<string, string>>
}

export interface Refusal {
  error: GuestliftError
  /** The answer proves that the platform did nothing, so a writing call may be made again. */
  nothingDone: boolean
}

/** The task's log was rotated away, or the task never was. */
export class NoSuchTask extends RequestRejected {}
/** The archive isn't on its storage. */
export class NoSuchVolume extends SourceUnreadable {}

/** The guest is in the wanted state already, or not in the one that the order needs. */
export class AlreadySo extends RequestRejected {}
/** The agent in the guest doesn't answer. */
export class AgentSilent extends RequestRejected {}
/** The archive is marked as protected on the platform. */
export class ArchiveProtected extends StorageUnusable {}

export function where({ site, node, guest }: About): string {
  const parts = [`Site ${site}`]
  if (node !== undefined) parts.push(`node ${node}`)
  if (guest !== undefined) parts.push(`guest ${guest}`)
  return parts.join(', ')
}

export function refusal(refused: Refused, about: About): Refusal {
  const { status } = refused
  const byText = status === 500 || status === 400 ? errorFromText(allText(refused), about) : undefined
  if (byText !== undefined) return { error: byText, nothingDone: true }
  return { error: errorFromStatus(refused, about), nothingDone: provesNothingDone(status) }
}

/**
 * 595 is given before anything was passed on to the node; 596 to 599 and a gateway's 5xx may hide an accepted call (seen:
 * 596 after 30 s, and the task ran). 500 comes from a handler that may have got somewhere. 408 is a proxy losing patience.
 */
function provesNothingDone(status: number): boolean {
  return (status >= 300 && status < 500 && status !== 408) || status === 501 || status === 506 || status === 595
}

function errorFromStatus(refused: Refused, about: About): GuestliftError {
  const { status } = refused
  const text = allText(refused)
  const said = text === '' ? `answered ${status}` : `answered ${status}: ${text}`
  const at = where(about)
  switch (status) {
    case 400:
      return new RequestRejected(`${at}: cannot ${about.doing}, the request was rejected: ${text}`)
    case 401:
      return credentialsRejected(text, about)
    case 403:
      return privilegeMissing(text, about)
    case 501:
    case 506:
      return new RequestRejected(
        `${at}: cannot ${about.doing}, the platform ${said}. Its version may not support this call, or the endpoint is no Proxmox VE.`,
      )
    case 595:
      return nodeSilent(text, about)
    case 596:
    case 597:
    case 598:
    case 599:
      return new PlatformUnavailable(
        `${at}: cannot ${about.doing}, the node was reached and then went silent (${said}). A hanging storage is the usual cause.`,
      )
    default:
  }
  if (status < 500 && status !== 408 && status !== 429) {
    return new RequestRejected(
      `${at}: cannot ${about.doing}, the endpoint ${said}. Is it the address of a Proxmox VE API?`,
    )
  }
  return new PlatformUnavailable(`${at}: cannot ${about.doing}, the platform ${said}.`)
}

function nodeSilent(text: string, about: About): GuestliftError {
  if (about.node === undefined) {
    return new PlatformUnavailable(
      `${where(about)}: cannot ${about.doing}, the API's daemon doesn't answer (595 ${text}). See "systemctl status pvedaemon" on the endpoint.`,
    )
  }
  return new NodeOffline(
    `${where(about)}: cannot ${about.doing}, the node doesn't answer (595 ${text}). Bring the node or its pvedaemon back.`,
  )
}

/** Wrong password, unknown, disabled or expired user, wrong realm, wrong or expired token: Proxmox doesn't say which. */
function credentialsRejected(text: string, about: About): CredentialsRejected {
  const { account } = about
  const check = account.includes('!')
    ? `Check that token ${account} exists, hasn't expired, that its secret is right and its user enabled.`
    : `Check password, user and realm of ${account}, and that the user is enabled and hasn't expired.`
  return new CredentialsRejected(`Site ${about.site}: ${account} was rejected (401 ${text}). ${check}`)
}

function privilegeMissing(text: string, about: About): PrivilegeMissing {
  const named = /\((\/[^\s,]*), ([A-Za-z.|, ]+)\)/.exec(text)
  const lacks =
    named === null
      ? `lacks a privilege (403 ${text})`
      : `lacks ${(named[2] ?? '').replaceAll('|', ' or ')} on ${named[1] ?? ''}`
  const grant = named === null ? '' : ' Grant it, to the token itself if it is privilege-separated.'
  return new PrivilegeMissing(`${where(about)}: cannot ${about.doing}, ${about.account} ${lacks}.${grant}`)
}

/**
 * Meaning of a text that a handler died with or a task ended with; `undefined` for texts that say nothing we act on.
 * Wording as of pve-manager 9.2.11, pve-storage 9.1.7.
 */
export function errorFromText(text: string, about: About): GuestliftError | undefined {
  const at = `${where(about)}: cannot ${about.doing}`
  const locked = lockIn(text)
  if (locked !== undefined) return refusedByLock(locked.lock, { ...namesOf(about), ...locked }, at)
  if (/no such task|unable to parse worker upid/.test(text)) {
    return new NoSuchTask(`${at}, the node knows no such task (${text}): its log may have been rotated away.`)
  }
  if (/cannot remove protected volume/.test(text)) {
    return new ArchiveProtected(
      `${at}, the archive is protected (${text}). Remove its protection on the platform to delete it.`,
    )
  }
  if (/unable to find VM '\d+'|Configuration file '\S+' does not exist/.test(text)) {
    return new GuestNotFound(`${at}, there is no such guest on the node (${text}).`)
  }
  if (/hostname lookup '[^']*' failed/.test(text)) {
    return new NodeOffline(`${at}, the cluster can't resolve the node's name (${text}). Was the node removed?`)
  }
  if (/unable to parse (?:directory )?volume/.test(text)) {
    return new RequestRejected(`${at}, the platform can't read the archive's name (${text}).`)
  }
  if (/\b(?:VM|CT) (?:\d+ )?(?:is )?(?:already|not) running\b|you can't convert a template to a template/.test(text)) {
    return new AlreadySo(`${at}: ${text}.`)
  }
  const taken = /\b(?:VM|CT) (\d+) already exists\b/.exec(text)
  if (taken !== null) {
    return new GuestIdInUse(`${at}, the id ${taken[1]} is taken (${text}). Choose another id, or replace that guest.`)
  }
  if (HELD.test(text)) {
    return new RestoreRefused(`${at}: ${text}. Stop the guest, or take its protection off, if it is the one you mean.`)
  }
  if (/guest agent is not running|qmp command 'guest-ping' failed/.test(text)) {
    return new AgentSilent(`${at}: ${text}.`)
  }
  if (/no prune-backups options configured/.test(text)) {
    return new RequestRejected(`${at}, the storage has no retention of its own (${text}). Name the rules to try.`)
  }
  if (/^403 |Permission check failed/.test(text)) return privilegeMissing(text, about)
  if (STORAGE_TEXTS.test(text)) return new StorageUnusable(`${at}, the storage can't be used: ${text}.`)
  if (/\bno such volume\b|(?:volume|disk image) '[^']*' does not exist|volume_size_info on '[^']*' failed/.test(text)) {
    return new NoSuchVolume(`${at}, it isn't on the storage (${text}).`)
  }
  return undefined
}

/** A guest that is to be replaced or removed, and that runs or is protected. */
const HELD =
  /unable to (?:restore|destroy) (?:VM|CT) \d+ - (?:vm is running|container is running|protection mode enabled)|can't remove (?:VM|CT) \d+ - protection|is running - destroy failed/

const STORAGE_TEXTS =
  /storage '[^']*' (?:is not online|is disabled|does not exist|is not available on node|does not support)|Content type '\w+' is not available on storage|unable to activate storage|could not activate storage|wrong content type|No space left on device|is not mounted|max backup limit|number of protected backups/

/**
 * A hint for the operator about a backup that ended badly, from the texts of its log and exit status.
 * Platform words are fine here: the hint is for somebody in front of that platform.
 */
export function adviceOn(texts: readonly string[], about: About, kind: 'vm' | 'container'): string | undefined {
  const said = (pattern: RegExp) => texts.some((text) => pattern.test(text))
  const storage = about.storage ?? ''
  const [locked] = texts.flatMap((text) => lockIn(text) ?? [])
  if (locked !== undefined) return adviceOnLock(locked.lock, { ...namesOf(about), kind })
  if (said(/No space left on device/)) return `Storage ${storage} is full: make room and run again.`
  if (said(/wrong content type/)) return `Allow content type "backup" on storage ${storage}, or name another storage.`
  if (said(/max backup limit|number of protected backups/)) {
    return `Storage ${storage} limits backups per guest: raise the limit, remove old backups, or let the job prune (backup.pruneSource).`
  }
  if (said(/storage '[^']*' does not exist/)) return `There is no storage ${storage}: correct the job's storage.`
  if (said(/storage '[^']*' is disabled|is not online|activate storage|is not mounted/)) {
    return `Bring storage ${storage} online on node ${about.node ?? ''} and run again.`
  }
  const kinds = texts.flatMap((text) => /^INFO: creating (.+?) archive\b/.exec(text)?.[1] ?? [])
  if (kinds.length > 0 && !kinds.includes('vzdump')) {
    const kept =
      kinds[0] === 'Proxmox Backup Server'
        ? "is a Proxmox Backup Server, whose backups aren't files"
        : `made an archive of a kind that Guestlift doesn't know (${kinds[0]}), and no file that is named`
    return `Storage ${storage} ${kept}: name a storage that keeps files (dir, nfs, cifs, cephfs, btrfs).`
  }
  if (said(/Permission check failed/)) return `Grant ${about.account} the privilege and run again.`
  if (said(/unable to find VM '|Configuration file '/)) return 'The guest was removed or moved while the job waited.'
  return undefined
}

/** Whom a lock or an advice is about, as far as the call says. */
export function namesOf({ guest, node }: About): { id: string; node?: string } {
  return { id: guest ?? '<id>', ...(node === undefined ? {} : { node }) }
}

/** The endpoints can't be reached, or one stopped answering. `cause` is the socket's error. */
export function unreachable(endpoint: string, what: string, about: About, cause: unknown): PlatformUnavailable {
  const port = endpoint.includes(':', 'https://'.length) ? '' : ' (no port given; Proxmox VE listens on 8006)'
  return new PlatformUnavailable(`${where(about)}: cannot ${about.doing}, ${endpoint}${port} ${what}.`, { cause })
}

/** Something answered, but not as the API does: a web page, cut JSON, other types than documented. */
export function unintelligible(endpoint: string, what: string, about: About): PlatformUnavailable {
  return new PlatformUnavailable(
    `${where(about)}: cannot ${about.doing}, ${endpoint} gave an answer that can't be used (${what}). Is something in between, a proxy or a login page?`,
  )
}

export function identityMismatch(
  endpoint: string,
  seen: ShownCertificate,
  expected: readonly string[],
  site: string,
): TlsIdentityMismatch {
  if (seen.names !== undefined) {
    return new TlsIdentityMismatch(`Site ${site}: ${endpoint} ${otherNames(endpoint, seen.names, seen.fingerprint)}`)
  }
  return new TlsIdentityMismatch(
    `Site ${site}: ${endpoint} ${showedInstead(seen, expected)} If the certificate was renewed, compare it on the node ` +
      '(openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem, or pveproxy-ssl.pem if that exists) and correct the site\'s "tls"; otherwise somebody is in between.',
  )
}

function allText({ text, parameters }: Refused): string {
  const complaints = Object.entries(parameters ?? {}).map(([name, complaint]) => `${name}: ${complaint.trim()}`)
  return complaints.length === 0 ? text : `${text.replace(/\.$/, '')} (${complaints.join('; ')})`
}
