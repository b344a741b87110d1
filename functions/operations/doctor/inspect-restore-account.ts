import { GuestliftError, PlatformUnavailable, PrivilegeMissing } from '../../contracts/errors.ts'
import { type CheckName, type Finding, failed, passed, unchecked, warning } from '../../domain/doctor/finding.ts'
import type { IntendedRestore, MadeGuest, Restores } from '../../providers/capabilities/restores.ts'
import type { GuestRecord } from '../../providers/guest-facts.ts'
import type { MissingPrivilege } from '../../providers/intended-work.ts'
import type { Provider } from '../../providers/provider.ts'
import type { Ports } from '../ports.ts'
import { diskStorage, fileStorage } from '../restore/delivery-storage.ts'
import { importsOf } from '../restore/import-target.ts'
import { privilegeList } from '../run/require-account.ts'
import { withinTime } from '../run/time-limit.ts'

type Needs = Pick<Ports, 'now' | 'sleep' | 'timer'>

const STEP_MILLISECONDS = 5_000

export interface RestoreAccount {
  site: string
  /** Disks are fetched by the platform, and no file is delivered. */
  imports: boolean
  /** The account for backups, which sees the guests. */
  provider: Pick<Provider, 'listGuests' | 'restores'>
  /** The account for restores. */
  restorer: Pick<Provider, 'identify' | 'storages' | 'restores'>
}

/**
 * Can the account log in that brings guests back, is there a storage for what it brings, and may it make guests? It is asked
 * with a guest of each kind as an example, which comes back under its own id to where it is. Makes nothing.
 */
export async function inspectRestoreAccount(account: RestoreAccount, ports: Needs): Promise<Finding[]> {
  const { site, restorer } = account
  try {
    await inTime(site, ports, () => restorer.identify())
  } catch (error) {
    const rest = (['restore-storage', 'restore-privileges'] as const).map((check) =>
      unchecked(check, 'Nobody could log in.'),
    )
    return [failed('restore', ours(error)), ...rest]
  }
  const login = passed('restore', 'can log in')
  const { restores } = restorer
  if (restores === undefined) return [login, unchecked('restore-privileges', 'Guestlift restores nothing there.')]
  try {
    const examples = examplesOf(
      (await inTime(site, ports, () => account.provider.listGuests())).guests,
      account.imports,
    )
    if (examples.length === 0) {
      return [login, unchecked('restore-privileges', 'There is no guest that it could be asked with.')]
    }
    const looks = await Promise.all(
      examples.map((guest) => inTime(site, ports, () => lookAt(guest, restores, account))),
    )
    return [login, ...storageFindings(looks), privilegeFinding(site, looks)]
  } catch (error) {
    return [login, failed('restore-privileges', ours(error))]
  }
}

/** One of each kind: what the others need differs by their storages and bridges, which a restore itself checks. */
function examplesOf(guests: readonly GuestRecord[], imports: boolean): GuestRecord[] {
  const fit = guests.filter(
    ({ nodeOffline, template, kind }) => !nodeOffline && template !== true && (kind === 'vm' || !imports),
  )
  return (['vm', 'container'] as const).flatMap((kind) => fit.find((guest) => guest.kind === kind) ?? [])
}

interface Look {
  guest: GuestRecord
  storage: string | GuestliftError
  missing: MissingPrivilege[]
}

async function lookAt(guest: GuestRecord, restores: Restores, account: RestoreAccount): Promise<Look> {
  const storage = await storageFor(guest, restores, account)
  const made = await account.provider.restores?.describeMade(guest).catch(unknownTo)
  const known = storage instanceof GuestliftError ? undefined : storage
  const intended = asRestore(guest, made, known ?? '', account.imports)
  const missing = await restores.missingPrivileges(intended)
  // Why there is no storage is said once.
  return { guest, storage, missing: missing.filter(({ path }) => known !== undefined || path !== '/storage/') }
}

async function storageFor(
  { node }: GuestRecord,
  restores: Restores,
  { site, imports, restorer }: RestoreAccount,
): Promise<string | GuestliftError> {
  try {
    return await (imports
      ? diskStorage({ site, node }, importsOf(restores, site))
      : fileStorage({ site, node }, restorer))
  } catch (error) {
    return ours(error)
  }
}

/** A guest whose configuration isn't shown is asked about without it. */
function unknownTo(error: unknown): undefined {
  ours(error)
}

function asRestore(
  guest: GuestRecord,
  made: MadeGuest | undefined,
  deliveryStorage: string,
  imports: boolean,
): IntendedRestore {
  const { id, kind, name, node } = guest
  const lines = Object.entries(made?.configuration ?? {}).map(([key, value]) => `${key}: ${value}\n`)
  const [storage] = kind === 'container' ? (made?.storages ?? []) : []
  return {
    archive: {
      guest: { id, kind, name },
      fileName: '',
      sizeBytes: 0,
      origin: '',
      ...(made === undefined ? {} : { configuration: lines.join('') }),
    },
    target: { id, node, ...(storage === undefined ? {} : { storage }) },
    deliveryStorage,
    ...(imports ? { imports: [] } : {}),
  }
}

/** One line for each node. */
function storageFindings(looks: readonly Look[]): Finding[] {
  const byNode = new Map(looks.map(({ guest, storage }) => [guest.node, storage]))
  return [...byNode].map(([node, storage]) =>
    storage instanceof GuestliftError
      ? failed('restore-storage', storage, node)
      : passed('restore-storage', `${storage} takes what is brought back`, node),
  )
}

function privilegeFinding(site: string, looks: readonly Look[]): Finding {
  const check: CheckName = 'restore-privileges'
  const missing = looks.flatMap((look) => look.missing)
  const who = looks.map(({ guest: { kind, id } }) => `${kind} ${id}`).join(' and ')
  if (missing.length === 0) return passed(check, `the account has all that bringing back ${who} takes`)
  const lacks = `Site ${site}: to bring back ${who}, the account for restores lacks ${privilegeList(missing)}.`
  const grant = 'Grant it there; an API token with privilege separation needs its own entry.'
  const some = missing.filter((one) => hintOf(one) !== undefined)
  if (some.length < missing.length) return failed(check, new PrivilegeMissing(`${lacks} ${grant}`))
  return warning(check, [lacks, grant, ...new Set(some.flatMap((one) => hintOf(one) ?? []))].join(' '))
}

/** Why an account may lack a privilege on purpose: a sentence. */
function hintOf({ privilege, path }: MissingPrivilege): string | undefined {
  // A pool has the rights of the guests that are made in it, and which pool that is, only a restore says.
  if (path.startsWith('/vms/')) return 'An account for one pool alone restores with --pool.'
  if (path === '/') return `${privilege} is for privileged containers alone, which root may restore on the node.`
  return path.startsWith('/mapping/') ? `${privilege} is for guests with devices of their node alone.` : undefined
}

function inTime<Result>(site: string, ports: Needs, work: () => Promise<Result>): Promise<Result> {
  const late = () =>
    new PlatformUnavailable(`Site ${site}: the account that restores got no answer for too long. Try again.`)
  return withinTime({ milliseconds: STEP_MILLISECONDS, mayPass: () => false, late }, ports, work)
}

/** What isn't a fact of ours is a fault of ours, and belongs to who reads stack traces. */
function ours(error: unknown): GuestliftError {
  if (error instanceof GuestliftError) return error
  throw error
}
