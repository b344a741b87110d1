/** What an ended backup proves, and what there is to copy. */
import type { BackupEvidence } from '../../contracts/evidence.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { SideFile } from '../../contracts/side-file.ts'
import type { DatastoreFileLocation } from '../../contracts/vsphere-access.ts'
import { isStillHeld } from '../../vsphere-api/held.ts'
import { readObject } from '../../vsphere-api/properties.ts'
import { textOf, type Xml } from '../../vsphere-api/xml.ts'
import type { Gathered } from '../provider.ts'
import { DETAIL_PATHS, lookAt } from './backup.ts'
import { ownClones } from './clones.ts'
import { type NamedDisk, nameDisks, needsFiles, sourcesOf } from './frozen.ts'
import { gradeOf } from './grade.ts'
import { readMachine } from './guests.ts'
import { formatJobRef, type JobRef } from './identifiers.ts'
import { type FrozenDisk, frozenChain, layoutOf } from './layout.ts'
import { hardwareOf, type Hardware, type Machine, type MachineDisk } from './machine.ts'
import { datacenterPath, nameOfHost, type Places, shownPath } from './places.ts'
import { ownSnapshots } from './own-snapshots.ts'
import { sideFilesOf } from './side-files.ts'
import type { SiteSession } from './site-session.ts'
import { nextStep } from './steps.ts'

/** Where the bytes are, and whose they are. */
interface Held {
  /** That is read: the guest itself, or our clone. */
  machine: Machine
  properties: ReadonlyMap<string, Xml>
  disks: FrozenDisk[]
  heldBy: DatastoreFileLocation['heldBy']
  createdAt: string
  quiesced: boolean
}

export async function gather(session: SiteSession, job: JobRef, guest: Guest): Promise<Gathered> {
  return session.orFact(`host ${guest.node}, guest ${guest.id}`, 'reading what the backup made', async () => {
    const { state } = await lookAt(session, job)
    const next = nextStep(job, state)
    const source = await readMachine(session.vim, job.guestId, DETAIL_PATHS)
    if (source === undefined) return nothing(job, 'unknown', 'the guest is gone')
    if (next.step === 'failed') return nothing(job, state.tasks.length > 0 ? 'errors' : 'unknown', next.why)
    if (next.step !== 'done')
      return nothing(job, 'interrupted', next.step === 'wait' ? next.why : `${next.step} is due`)
    const held = await heldBy(session, job, source)
    if (typeof held === 'string') return nothing(job, 'errors', held)
    if (job.quiesce === 'require' && source.machine.powerState === 'poweredOn' && !held.quiesced) {
      return nothing(
        job,
        'errors',
        'the platform made the snapshot without quieting the guest: VMware Tools may not run in it',
      )
    }
    return gathered(session, job, source, held)
  })
}

function nothing(job: JobRef, ending: BackupEvidence['ending'], why: string): Gathered {
  const evidence = {
    jobRef: formatJobRef(job),
    jobStartedAt: job.at,
    exitStatus: ending === 'errors' ? 'error' : ending,
    ending,
    warnings: [],
    errors: [why],
  }
  return { evidence, sideFiles: [] }
}

type Source = NonNullable<Awaited<ReturnType<typeof readMachine>>>

/** @returns why nothing is held, as the rest of a sentence */
async function heldBy(session: SiteSession, job: JobRef, source: Source): Promise<Held | string> {
  const meant = ({ key }: MachineDisk) => !job.skip.includes(key)
  if (job.mode === 'template') {
    const { machine, properties } = source
    const disks = wholeChains(properties, meant)
    if (!machine.template) return 'it was a template, and is one no more'
    const heldBy = { guestId: machine.id, kind: 'template' as const, name: '' }
    return { ...source, disks, heldBy, createdAt: wholeSeconds(job.at), quiesced: false }
  }
  if (job.mode === 'clone') {
    const [clone] = await ownClones(session, { token: job.token }, DETAIL_PATHS)
    if (clone?.mark.frozen === undefined) return 'its clone is gone'
    const { machine, properties, mark } = clone
    const { at = job.at, quiesced = false } = mark.frozen ?? {}
    const until = untilOf(session, at)
    const heldBy = { guestId: machine.id, kind: 'clone' as const, name: machine.name, until }
    return { machine, properties, disks: wholeChains(properties, meant), heldBy, createdAt: wholeSeconds(at), quiesced }
  }
  return heldBySnapshot(session, job, source, meant)
}

async function heldBySnapshot(
  session: SiteSession,
  job: JobRef,
  { machine, properties }: Source,
  meant: (disk: MachineDisk) => boolean,
): Promise<Held | string> {
  const snapshot = ownSnapshots(machine.snapshots, session.owner).find(({ mark }) => mark.token === job.token)
  if (snapshot === undefined) return 'its snapshot is gone'
  const config = await readObject(session.vim, snapshot.ref, ['config.hardware.device'])
  const running = new Map(hardwareOf(properties.get('config.hardware.device')).disks.map((disk) => [disk.key, disk]))
  const layout = layoutOf(properties.get('layoutEx'))
  const disks: FrozenDisk[] = []
  for (const disk of hardwareOf(config.get('config.hardware.device')).disks.filter(meant)) {
    const frozen = frozenChain(disk, running.get(disk.key), layout)
    if (typeof frozen === 'string') return `disk '${disk.label}' ${frozen}`
    disks.push(frozen)
  }
  if (disks.length === 0) return 'the snapshot holds no disk'
  const until = untilOf(session, snapshot.createdAt)
  const heldBy = { guestId: machine.id, kind: 'snapshot' as const, name: snapshot.name, until }
  return {
    machine,
    properties,
    disks,
    heldBy,
    createdAt: wholeSeconds(snapshot.createdAt),
    quiesced: snapshot.quiesced,
  }
}

/** The longer a snapshot stays, the more grows beside the guest's disks. */
function untilOf({ site }: SiteSession, since: string): string {
  return new Date(Date.parse(since) + site.snapshot.maxHours * 3_600_000).toISOString()
}

/** Of what is off and stays so. */
function wholeChains(properties: ReadonlyMap<string, Xml>, meant: (disk: MachineDisk) => boolean): FrozenDisk[] {
  const layout = layoutOf(properties.get('layoutEx'))
  const { disks } = hardwareOf(properties.get('config.hardware.device'))
  return disks.filter(meant).map((disk) => ({ disk, links: layout.chains.get(disk.key) ?? [] }))
}

/** The time of an archive is in whole seconds, and the same for all its disks. */
function wholeSeconds(instant: string): string {
  return `${instant.slice(0, 19)}.000Z`
}

async function gathered(session: SiteSession, job: JobRef, source: Source, held: Held): Promise<Gathered> {
  const places = await session.places()
  const disks = nameDisks(held.disks)
  const asFiles = job.format === 'files' || (job.format === 'auto' && needsFiles(held.disks))
  const node = nameOfHost(places, held.machine.host)
  const datacenter = datacenterPath(places, held.machine.parent)
  const { heldBy: by, createdAt } = held
  const datastores = places.datastores.map(({ name }) => name)
  const sources = sourcesOf(disks, { node, heldBy: by, datacenter, datastores, createdAt, asFiles })
  if (typeof sources === 'string') return nothing(job, 'errors', `the guest ${sources}`)
  const hardware = hardwareOf(source.properties.get('config.hardware.device'))
  const small = await sideFilesOf({
    files: session.files,
    datacenter,
    host: node,
    datastores,
    about: `host ${node}, guest ${job.guestId}`,
    layout: layoutOf(held.properties.get('layoutEx')),
    vmPath: textOf(held.properties.get('config.files.vmPathName')),
    disks,
    asFiles,
    isHeld: () => isStillHeld(session.vim, by.guestId, by.kind === 'snapshot' ? by.name : undefined),
  })
  const evidence: BackupEvidence = {
    jobRef: formatJobRef(job),
    jobStartedAt: createdAt,
    exitStatus: 'success',
    ending: small.warnings.length > 0 ? 'warnings' : 'ok',
    warnings: small.warnings.slice(0, 20),
    errors: [],
    grade: gradeOf({
      poweredOff: source.machine.powerState === 'poweredOff',
      quiesced: held.quiesced,
      wanted: job.quiesce,
      skipped: hardware.disks.filter(({ key }) => job.skip.includes(key)),
    }),
    sources,
  }
  return { evidence, sideFiles: [description(source, hardware, disks, places, job), ...small.sideFiles] }
}

/** What a restore needs to know of the guest beside its files. */
function description(
  { machine, properties }: Source,
  hardware: Hardware,
  disks: readonly NamedDisk[],
  places: Places,
  job: JobRef,
): SideFile {
  const said = (path: string) => textOf(properties.get(path))
  const names = new Map(disks.map(({ name, frozen }) => [frozen.disk.key, name]))
  const guest = {
    id: machine.id,
    uuid: said('config.uuid'),
    name: machine.name,
    annotation: machine.annotation,
    template: machine.template,
    powerState: machine.powerState,
    hardwareVersion: said('config.version'),
    firmware: said('config.firmware'),
    guestId: said('config.guestId'),
    guestFullName: said('config.guestFullName'),
    cpus: machine.cpus,
    memoryBytes: machine.memoryBytes,
    configurationFile: said('config.files.vmPathName'),
    folder: shownPath(places, machine.parent),
    resourcePool: shownPath(places, machine.pool),
    host: nameOfHost(places, machine.host),
    networks: hardware.networks,
    disks: hardware.disks.map((disk) => ({ ...disk, archivedAs: names.get(disk.key) })),
    readBy: job.mode,
  }
  return { name: 'guest.json', text: `${JSON.stringify({ guest }, undefined, 2)}\n` }
}
