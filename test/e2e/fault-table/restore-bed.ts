/** Where faults of restores are tried: a site with archives in the bucket, whose node, lines, disk and S3 can be made to fail. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { extractDisk } from '../../../functions/archive-formats/proxmox/extract-disk.ts'
import { restoreReportSchema } from '../../../functions/contracts/restore-report.ts'
import type { DoneListener, FaultPlan } from '../../../local/s3/faults.ts'
import { killSessions } from '../../functions/writers/sessions.ts'
import { type SpoilingServer, startSpoilingPerl } from '../../functions/writers/spoiling-server.ts'
import { bucket, openSite, type Site } from '../harness.ts'
import { killFunction } from '../kill-function.ts'
import { messageIn, type Told } from './arming.ts'
import type { Arming, DeliveryRoute, RestoreEnding } from './fault.ts'
import { type Line, startLine } from './line.ts'

const MIB = 2 ** 20
/** The guests that were archived: the packed one compressed. The archive of the large one is three ranges. */
export const archived = { small: 100, large: 102, packed: 103 } as const
/** The id that guests are restored to. */
export const TARGET = 9100
const SECONDS_PER_DUMP = 0.2

/** The input of the workflow. */
export type RestoreOrder = Readonly<Record<string, unknown>>

export interface RestoreBed {
  site: Site
  /** The way to each SSH server of the node. */
  lines: Record<DeliveryRoute, Line>
  /** The SSH server of the node that fetches files itself, and its disk. */
  node: Pick<SpoilingServer, 'spoil'>
  s3: { plan: FaultPlan | undefined; onDone: DoneListener | undefined }
  /** Executions so far since the last `mend`. */
  told: Told
  /** Keys that S3 took, in order. */
  written: string[]
  /** The state that was entered last. */
  state(): string
  restore(order: RestoreOrder, arming?: Arming): Promise<RestoreEnding>
  /** Its operator stops the restore that runs. */
  stop(): void
  /** The restore that runs ends at once: no function finishes, no clean-up runs. */
  die(): void
  kill(stem: string): Promise<number>
  /** All that the node runs for those who are logged in ends. */
  killSessions(): void
  /** Key of the archive's file in the bucket: the newest of the guest. */
  archiveOf(guest: keyof typeof archived): Promise<string>
  /** Objects below `archives/` that aren't as they were when the bed was opened. */
  changedArchives(): Promise<string[]>
  /** Files of restores on the node's storages. */
  delivered(): string[]
  /** How often the platform was asked for the guest since the last `mend`. */
  orders(): number
  /** Bytes of the restored guest's disk that aren't as archived. */
  bytesUnlike(guest: keyof typeof archived): number
  /** Everything works again, and nothing is left but the archives. */
  mend(): Promise<void>
  close(): Promise<void>
}

export async function openRestoreBed(app: string): Promise<RestoreBed> {
  const server = await startSpoilingPerl()
  let lines: RestoreBed['lines'] | undefined
  const guests = [
    { vmid: archived.small, kind: 'qemu', name: 'web', diskBytes: 3 * MIB },
    { vmid: archived.packed, kind: 'qemu', name: 'packed', diskBytes: 3 * MIB },
    { vmid: archived.large, kind: 'qemu', name: 'large', diskBytes: 150 * MIB, zero: 0 },
  ] as const
  const site = await openSite(
    { app, restores: true, guests: [...guests], secondsPerDump: SECONDS_PER_DUMP },
    async (hq, lab) => {
      const nas = lab.storages.find(({ id }) => id === 'nas')
      const { port, username, privateKey, fingerprints } = server.server
      const hostKeys = [fingerprints.ed25519]
      const ways = { sftp: await startLine(lab.ssh.port), pull: await startLine(port) }
      lines = ways
      const restore = hq['restore'] as { delivery: object }
      const pull = {
        type: 'pull',
        host: '127.0.0.1',
        port: ways.pull.port,
        username,
        privateKey,
        hostKeys,
        pathPrefix: { from: nas?.path, to: nas?.directory },
      }
      return {
        sftp: { ...hq, restore: { ...restore, delivery: { ...restore.delivery, port: ways.sftp.port } } },
        pull: { ...hq, restore: { ...restore, delivery: pull } },
      }
    },
  )
  if (lines === undefined) throw new Error('the site was opened without lines')
  const ways = lines
  const { lab } = site
  const { small, large, packed } = archived
  // The small one three times: pruning removes no archive that is most of what there is.
  const backups = [
    { vmids: [small], compress: 'none' },
    { vmids: [small], compress: 'none' },
    { vmids: [small, large], compress: 'none' },
    { vmids: [packed], compress: 'zstd' },
  ]
  for (const { vmids, compress } of backups) {
    const run = await site.run({ site: 'hq', guests: { vmids }, backup: { storage: 'nas', compress } })
    if (run.result.status !== 'SUCCEEDED') throw new Error(`the guests couldn't be archived: ${run.result.status}`)
  }
  for (const { file } of lab.control.archives()) lab.control.removeArchive(file)
  const tags = async (): Promise<Map<string, string>> => {
    const { Contents = [] } = await site.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'archives/' }))
    return new Map(Contents.map(({ Key = '', ETag = '', StorageClass = '' }) => [Key, `${ETag} ${StorageClass}`]))
  }
  let whole = await tags()
  const originals = new Map([...whole.keys()].map((key) => [key, readFileSync(site.path(key))]))
  const archiveOf = async (guest: keyof typeof archived): Promise<string> => {
    const key = [...whole.keys()].findLast(
      (each) => each.includes(`/vm-${archived[guest]}/`) && /\.vma(\.zst)?$/.test(each),
    )
    if (key === undefined) throw new Error(`no archive of ${guest} was made`)
    return key
  }
  const diskOf = async (guest: keyof typeof archived): Promise<Buffer> => diskIn(originals, await archiveOf(guest))
  const disks = { small: await diskOf('small'), large: await diskOf('large'), packed: await diskOf('packed') }
  const changedArchives = async (): Promise<string[]> => {
    const now = await tags()
    return [...whole].flatMap(([key, tag]) => (now.get(key) === tag ? [] : [key]))
  }
  const strangers = (): number[] =>
    lab.guests.flatMap(({ vmid }) => (guests.some((each) => each.vmid === vmid) ? [] : [vmid]))
  const allOrders = (): number => lab.control.tasks().filter(({ type }) => type === 'qmrestore').length
  let earlierOrders = 0
  let [stopping, dying, state, restores] = [new AbortController(), new AbortController(), '', 0]

  const bed: RestoreBed = {
    site,
    lines: ways,
    node: server,
    s3: { plan: undefined, onDone: undefined },
    told: { events: [], lines: [] },
    written: [],
    state: () => state,
    async restore(order, arming) {
      restores += 1
      const { result, told } = await site.upkeep('restoreGuest', order, {
        interrupt: stopping.signal,
        kill: dying.signal,
        onEvent: (event) => void bed.told.events.push(event),
        onState: (entered) => {
          state = entered
          arming?.onState(entered)
        },
        onLog: (line) => {
          bed.told.lines.push(line)
          if (line['event'] === 'part-copied') arming?.onPart()
        },
      })
      const report = told === undefined || !('report' in told) ? undefined : restoreReportSchema.parse(told.report)
      const { error = result.status, cause = '' } = result.status === 'SUCCEEDED' ? { error: 'none' } : result
      return {
        outcome: report?.outcome ?? 'none',
        verdict: report?.error?.name ?? error,
        reason: messageIn(cause) || (report?.summary ?? ''),
        report,
      }
    },
    stop: () => stopping.abort(),
    die: () => dying.abort(),
    kill: (stem) => killFunction(site.assembly, stem),
    killSessions: () => killSessions(server.server),
    archiveOf,
    changedArchives,
    delivered: () =>
      lab.storages
        .flatMap(({ directory }) => readdirSync(join(directory, 'dump')))
        .filter((name) => /guestlift-restore|vzdump-.*-[0-9a-f]{16}\./.test(name)),
    orders: () => allOrders() - earlierOrders,
    bytesUnlike(guest) {
      if (!strangers().includes(TARGET)) return disks[guest].length
      return unlike(disks[guest], readFileSync(lab.control.diskPath(TARGET, 'scsi0')))
    },
    async mend() {
      ;[stopping, dying] = [new AbortController(), new AbortController()]
      bed.s3 = { plan: undefined, onDone: undefined }
      site.faults.plan = (subject) => bed.s3.plan?.(subject)
      site.faults.onDone = async (done) => {
        if (done.operation === 'PutObject' && done.key !== undefined) bed.written.push(done.key)
        await bed.s3.onDone?.(done)
      }
      server.spoil('never')
      site.hurry()
      await Promise.all([ways.sftp.clear(), ways.pull.clear()])
      const { control, faults } = lab
      faults.clear()
      control.setNodeOnline('pve1', true)
      control.setClockOffset(0)
      control.setSecondsPerDump(SECONDS_PER_DUMP)
      for (const vmid of strangers()) control.removeGuest(vmid)
      for (const { file } of control.archives()) control.removeArchive(file)
      for (const key of await changedArchives()) await site.put(key, originals.get(key) ?? '')
      const others = (await site.keys()).filter((key) => /^(restores|streams|claims|sweeps)\//.test(key))
      await Promise.all(others.map((Key) => site.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))))
      whole = await tags()
      bed.told = { events: [], lines: [] }
      bed.written = []
      earlierOrders = allOrders()
      state = ''
    },
    async close() {
      await site.close()
      await Promise.all([ways.sftp.close(), ways.pull.close(), server.server.close()])
    },
  }
  await bed.mend()
  return bed
}

/** The disk within an archive of a VM. */
async function diskIn(originals: ReadonlyMap<string, Buffer>, key: string): Promise<Buffer> {
  const bytes = originals.get(key) ?? Buffer.alloc(0)
  let disk = Buffer.alloc(0)
  const file = {
    fileName: key.slice(key.lastIndexOf('/') + 1),
    sizeBytes: bytes.length,
    stream: async function* () {
      yield bytes
    },
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
  }
  await extractDisk(file, 'scsi0', async ({ sizeBytes }) => {
    disk = Buffer.alloc(sizeBytes)
    return { write: async (offset, data) => void data.copy(disk, offset) }
  })
  return disk
}

function unlike(one: Buffer, other: Buffer): number {
  if (one.equals(other)) return 0
  let different = Math.abs(one.length - other.length)
  for (let at = 0; at < Math.min(one.length, other.length); at++) if (one[at] !== other[at]) different += 1
  return different
}
