/** The guest is made of its files: the small ones are written beside its disks, and all of it is registered. */
import { RestoreFailed, RestoreRefused } from '../../contracts/errors.ts'
import type { NewDatastoreDisk } from '../../contracts/vsphere-access.ts'
import { DatastorePuts } from '../../vsphere-api/put-file.ts'
import { listObjects } from '../../vsphere-api/properties.ts'
import { NoVimAnswer, VimFault } from '../../vsphere-api/vim-fault.ts'
import { type Argument, type Ref, textOf } from '../../vsphere-api/xml.ts'
import type { BroughtDisks, MadeMachine } from '../capabilities/disk-restores.ts'
import { type ArchivedGuest, archivedGuest, fileNameOf, vmxNameOf } from './archived-guest.ts'
import { restorePlace } from './restore-place.ts'
import type { SiteSession } from './site-session.ts'
import { begun, isOfKind, isUnderWay, recentTasks, taskOf } from './tasks.ts'
import { asRestored, withoutTracking } from './vmx.ts'

const LOOK_MILLISECONDS = 1_000
/** A host registers within a second or two. What takes longer is looked at again later. */
const LOOKS = 20

/** A guest of the inventory. */
export interface Registered {
  ref: Ref
  instanceUuid: string
}

/** By its configuration file, whose folder bears the restore's token. */
export async function registeredIn(
  { vim }: SiteSession,
  { datastore, folder }: Pick<NewDatastoreDisk, 'datastore' | 'folder'>,
): Promise<Registered | undefined> {
  const all = await listObjects(vim, 'VirtualMachine', ['config.files.vmPathName', 'config.instanceUuid'])
  const own = all.find(({ properties }) =>
    textOf(properties.get('config.files.vmPathName')).startsWith(`[${datastore}] ${folder}/`),
  )
  return own === undefined
    ? undefined
    : { ref: own.ref, instanceUuid: textOf(own.properties.get('config.instanceUuid')) }
}

/** What all disks of a restore have in common. @throws RestoreFailed where there is none */
export function placeOfDisks([first]: BroughtDisks['disks']): NewDatastoreDisk {
  if (first?.target.type === 'datastore-disk') return first.target
  throw new RestoreFailed('The restore knows no disk on a datastore. Restore again.')
}

export async function makeGuest(session: SiteSession, brought: BroughtDisks): Promise<MadeMachine> {
  const at = placeOfDisks(brought.disks)
  const there = await registeredIn(session, at)
  if (there !== undefined) return madeOf(there)
  const guest = archivedGuest(brought.archive.description)
  const { place } = guest === undefined ? {} : await restorePlace(session, guest, brought)
  if (guest === undefined || place === undefined) {
    throw new RestoreRefused(
      `Site ${session.siteName}: folder, pool or datastore of the restore is gone since it was checked. Restore again.`,
    )
  }
  // One whose answer was lost may be under way: what else is registered in the folder is waited for as well.
  const tasks = await recentTasks(session.vim, place.folder)
  if (tasks.some((task) => isUnderWay(task) && isOfKind(task, /register/i))) return { ready: false, made: [] }
  // It may have ended while it was looked at.
  const meanwhile = await registeredIn(session, at)
  if (meanwhile !== undefined) return madeOf(meanwhile)
  await putSmallFiles(session, guest, at, place.name, brought)
  const args: Argument[] = [
    ['path', `[${at.datastore}] ${at.folder}/${vmxNameOf(guest)}`],
    ['name', place.name],
    ['asTemplate', false],
    ['pool', place.pool],
    ['host', place.host],
  ]
  await register(session, place.folder, args, place.name, async () => (await registeredIn(session, at)) !== undefined)
  const made = await registeredIn(session, at)
  return made === undefined ? { ready: false, made: [] } : madeOf(made)
}

function madeOf({ instanceUuid }: Registered): MadeMachine {
  return { ready: true, made: [{ what: 'guest', ref: instanceUuid }] }
}

/** All of them are written again when it is asked again: they are kilobytes. */
async function putSmallFiles(
  session: SiteSession,
  guest: ArchivedGuest,
  at: NewDatastoreDisk,
  name: string,
  { archive, sideFiles, target, token }: BroughtDisks,
): Promise<void> {
  const vmxName = vmxNameOf(guest)
  const brought = new Set(archive.disks.map(({ fileName }) => fileName))
  const isBrought = ({ archivedAs }: ArchivedGuest['disks'][number]) =>
    archivedAs !== undefined && brought.has(fileNameOf(archivedAs))
  const files = new Map<string, Buffer>()
  for (const [file, bytes] of sideFiles) {
    if (file.endsWith('.nvram')) files.set(file, bytes)
    if (file === vmxName) {
      const withoutDisks = guest.disks.filter((disk) => !isBrought(disk)).map(({ slot }) => slot)
      const text = asRestored(bytes.toString('utf8'), { name, unique: target.guest.unique, token, withoutDisks })
      files.set(file, Buffer.from(text))
    }
  }
  const wanted = guest.disks.filter(isBrought).map(({ archivedAs }) => `${archivedAs}.vmdk`)
  for (const file of wanted) {
    const descriptor = sideFiles.get(file)
    if (descriptor !== undefined) files.set(file, Buffer.from(withoutTracking(descriptor.toString('utf8'))))
  }
  const lacking = [vmxName, ...wanted].filter((file) => !files.has(file))
  if (lacking.length > 0) {
    throw new RestoreFailed(
      `${archive.origin} holds no side/${lacking.join(', side/')}, without which the disks are no guest. Restore by hand, as RESTORE.md in the bucket shows.`,
    )
  }
  const puts = new DatastorePuts({ site: session.siteName, access: session.site, session: session.vim })
  try {
    for (const [file, bytes] of files) {
      await puts.put({ ...at, path: `${at.folder}/${file}` }, bytes.length, () => once(bytes))
    }
  } finally {
    puts.close()
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** What may have been done is looked for, and never done twice. */
async function register(
  session: SiteSession,
  folder: Ref,
  args: readonly Argument[],
  name: string,
  isThere: () => Promise<boolean>,
): Promise<void> {
  const { vim, siteName, deps } = session
  try {
    const task = begun(await vim.write({ method: 'RegisterVM_Task', on: folder, args }))
    for (let looks = 0; looks < LOOKS; looks += 1) {
      const info = await taskOf(vim, task)
      if (info?.fault !== undefined) throw info.fault
      if (info === undefined || !isUnderWay(info)) return
      await deps.sleep(LOOK_MILLISECONDS)
    }
  } catch (error) {
    if (error instanceof NoVimAnswer) return deps.sleep(LOOK_MILLISECONDS)
    if (error instanceof VimFault && error.type === 'AlreadyExists') return
    if (error instanceof VimFault && error.type === 'DuplicateName') {
      if (await isThere()) return
      throw new RestoreRefused(
        `Site ${siteName}: something is called ${name} in the guest's folder since the target was checked. Restore again with another --name.`,
        { cause: error },
      )
    }
    throw error
  }
}
