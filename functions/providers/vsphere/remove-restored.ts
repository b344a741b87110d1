/** Removes files of a restore that never became a guest: by the folder whose name bears its token, and nothing beside it. */
import type { NewDisk } from '../../contracts/restore-record.ts'
import { counted } from '../../domain/words/counted.ts'
import { listObjects } from '../../vsphere-api/properties.ts'
import { VimFault } from '../../vsphere-api/vim-fault.ts'
import { type Argument, childrenOf, type Ref, refOf, childOf, textOf, type Xml } from '../../vsphere-api/xml.ts'
import type { NewDatastoreDisk } from '../../contracts/vsphere-access.ts'
import type { DiskRemoval } from '../capabilities/disk-restores.ts'
import { layoutOf } from './layout.ts'
import { registeredIn } from './make-guest.ts'
import { datastoreNamed } from './places.ts'
import { readObject } from '../../vsphere-api/properties.ts'
import type { SiteSession } from './site-session.ts'
import { begun, isUnderWay, taskOf } from './tasks.ts'

const LOOK_MILLISECONDS = 1_000
const LOOKS = 60
/** What a restore writes, and what hosts make of it when they look at it. */
const OURS = /\.(vmdk|vmx|nvram|vmsd|vmxf|log|vmx~)$/

const nothing: DiskRemoval = { whole: false, left: [] }

export async function removeRestored(
  session: SiteSession,
  disks: readonly NewDisk[],
  token: string,
): Promise<DiskRemoval> {
  const target = disks[0]?.target
  if (target?.type !== 'datastore-disk') return nothing
  const { datastore, folder } = target
  const where = `[${datastore}] ${folder}`
  const left = (why: string): DiskRemoval => ({
    whole: false,
    left: [
      {
        what: `Site ${session.siteName}: ${where} was not removed: ${why}.`,
        removeWith: `govc datastore.rm -ds '${datastore}' '${folder}'`,
      },
    ],
  })
  // Only a record that somebody wrote by hand has another.
  if (!folder.endsWith(`-${token}`) || folder.includes('/')) return left('its name is none of this restore')
  if ((await registeredIn(session, target)) !== undefined) return { whole: true, left: [] }
  const files = await filesIn(session, target)
  if (files === undefined) return nothing
  const strange = files.filter((name) => !OURS.test(name))
  if (strange.length > 0)
    return left(`it holds ${counted(strange.length, 'file')} that no restore wrote, as ${strange[0]}`)
  const user = await userOf(session, where)
  if (user !== undefined) return left(`guest ${user} uses a file in it`)
  await remove(session, target)
  return nothing
}

/** A guest somewhere else that was given one of the disks. */
async function userOf({ vim }: SiteSession, where: string): Promise<string | undefined> {
  const all = await listObjects(vim, 'VirtualMachine', ['name', 'layoutEx', 'config.hardware.device'])
  const uses = (xml: Xml | undefined) => JSON.stringify(xml ?? '').includes(`${where}/`)
  const user = all.find(
    ({ properties }) =>
      layoutOf(properties.get('layoutEx')).files.some(({ name }) => name.startsWith(`${where}/`)) ||
      uses(properties.get('config.hardware.device')),
  )
  return user === undefined ? undefined : textOf(user.properties.get('name'))
}

/** Names in the folder; `undefined` where it is gone. */
async function filesIn(session: SiteSession, at: NewDatastoreDisk): Promise<string[] | undefined> {
  const { vim } = session
  const datacenter: Ref = { type: 'Datacenter', id: at.datacenterId }
  const datastore = datastoreNamed(await session.places(), at.datastore, datacenter)
  if (datastore === undefined) throw new VimFault('', `there is no datastore ${at.datastore} any more`, '')
  const browser = refOf((await readObject(vim, datastore.ref, ['browser'])).get('browser'))
  if (browser === undefined) throw new VimFault('', `datastore ${at.datastore} can't be looked into`, '')
  const args: Argument[] = [['datastorePath', `[${at.datastore}] ${at.folder}`]]
  try {
    const found = await ended(session, begun(await vim.read({ method: 'SearchDatastore_Task', on: browser, args })))
    return childrenOf(childOf(found, 'result'), 'file').map((file) => textOf(childOf(file, 'path')))
  } catch (error) {
    if (error instanceof VimFault && error.type === 'FileNotFound') return undefined
    throw error
  }
}

async function remove(session: SiteSession, { datastore, folder, datacenterId }: NewDatastoreDisk): Promise<void> {
  const content = await session.vim.content()
  const args: Argument[] = [
    ['name', `[${datastore}] ${folder}`],
    ['datacenter', { type: 'Datacenter', id: datacenterId }],
  ]
  try {
    const on = content.ref('fileManager')
    await ended(session, begun(await session.vim.write({ method: 'DeleteDatastoreFile_Task', on, args })))
  } catch (error) {
    if (error instanceof VimFault && error.type === 'FileNotFound') return
    throw error
  }
}

/** @returns `info` of the task. @throws VimFault that it ended with */
async function ended({ vim, deps }: SiteSession, task: Ref): Promise<Xml | undefined> {
  for (let looks = 0; ; looks += 1) {
    const info = await taskOf(vim, task)
    if (info?.fault !== undefined) throw info.fault
    if (info === undefined || !isUnderWay(info)) return (await readObject(vim, task, ['info'])).get('info')
    if (looks === LOOKS) throw new VimFault('Timedout', 'a task on the datastore does not end', '')
    await deps.sleep(LOOK_MILLISECONDS)
  }
}
