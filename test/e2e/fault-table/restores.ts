/** Guests are brought back while the way, the node's disk, the archive, the platform or the functions fail. */
import { readFileSync } from 'node:fs'
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { manifestSchema } from '../../../functions/contracts/manifest.ts'
import { restoreRecordSchema } from '../../../functions/contracts/restore-record.ts'
import { crc32ToBase64 } from '../../../functions/domain/transfer/crc32.ts'
import { bucket } from '../harness.ts'
import { onBothWays, type RestoreEnding, type RestoreFault } from './fault.ts'
import { archived, type RestoreBed, type RestoreOrder, TARGET } from './restore-bed.ts'

const MIB = 2 ** 20
const theme = 'Restores'
const atStart = 'at the start'
const delivering = { state: 'Deliver parts' }
const nothing = (): void => undefined

/** Do this once the delivery is planned, and before a byte of it is read: the function that planned it waits. */
function oncePlanned(work: (bed: RestoreBed) => Promise<void>): Pick<RestoreFault, 'when' | 'inject'> {
  return {
    when: { state: 'Plan delivery' },
    inject: (bed) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      let left = 1
      bed.s3.onDone = async ({ operation, key = '' }) => {
        if (operation !== 'PutObject' || !key.endsWith('/restore.json') || left-- <= 0) return
        await work(bed).then(resolve, reject)
      }
      return promise
    },
  }
}

const way: RestoreFault[] = [
  {
    name: 'connections to the node are cut after 80 MiB, twice',
    theme,
    route: 'sftp',
    guest: 'large',
    happens: 'opened again; no range that is proved to lie there is brought again',
    when: atStart,
    inject: ({ site }) => site.lab.faults.onSftp({ kind: 'cut-after', bytes: 80 * MIB }, 2),
    expected: 'succeeded',
  },
  {
    name: 'the agent on the node is killed as it fetches',
    theme,
    route: 'pull',
    guest: 'large',
    happens: 'started again; no range that is proved to lie there is brought again',
    when: atStart,
    inject: (bed) => {
      let left = 1
      bed.s3.onDone = ({ operation, key = '' }) => {
        if (operation === 'GetObject' && key.endsWith('.vma') && left-- > 0) bed.killSessions()
      }
    },
    expected: 'succeeded',
  },
  ...onBothWays((route) => ({
    name: `the node dies while it takes the file, and comes back (${route})`,
    theme,
    route,
    guest: 'large',
    happens: 'connected again after 1, 2, 4 and 8 s, then in later rounds for up to two hours',
    when: delivering,
    inject: async (bed) => {
      const { lines, site } = bed
      site.lab.control.setNodeOnline('pve1', false)
      await lines[route].down()
      if (route === 'pull') bed.killSessions()
      await delay(2_500)
      await lines[route].up()
      site.lab.control.setNodeOnline('pve1', true)
    },
    expected: 'succeeded',
    cause: /can't connect.*(ECONNREFUSED|closed)/,
  })),
  ...onBothWays((route) => ({
    name: `the node dies while it takes the file, and never returns (${route})`,
    theme,
    route,
    guest: 'large',
    happens:
      'the restore fails after two hours without a range and names the file that it left; once the node is mended, the sweep removes it',
    when: delivering,
    inject: async (bed) => {
      const { lines, site } = bed
      // Two hours of waiting.
      site.hurry(2_000)
      site.lab.control.setNodeOnline('pve1', false)
      await lines[route].down()
      if (route === 'pull') bed.killSessions()
    },
    instead: async (bed, order, armed) => {
      const ending = await bed.restore(order, armed)
      const { outcome } = await swept(bed)
      if (outcome === 'succeeded') throw new Error('the sweep says that it removed what lies on a dead node')
      bed.site.lab.control.setNodeOnline('pve1', true)
      await bed.lines[route].up()
      const mended = await swept(bed)
      if (mended.outcome !== 'succeeded') throw new Error(`the sweep ended as ${mended.outcome}`)
      return ending
    },
    expected: ['ConnectionDropped'],
    cause:
      /can't connect to the SSH server .* Check .*through\. Something was left on the platform: look at the report\.$/,
    leaves:
      /On node pve1, \S+\/dump may still hold what was brought of vzdump-qemu-102-\S+, which the next sweep removes\. .* rm -f '\S+\/dump'\/\*[0-9a-f]+\*$/,
    long: true as const,
  })),
  {
    name: 'URLs have expired before the node uses them',
    theme,
    route: 'pull',
    happens: 'signed again',
    when: atStart,
    inject: ({ s3 }) => {
      let left = 2
      s3.plan = ({ operation, key = '' }) =>
        operation === 'GetObject' && key.endsWith('.vma') && left-- > 0
          ? { code: 'AccessDenied', message: 'Request has expired' }
          : undefined
    },
    expected: 'succeeded',
  },
]

/** The order that is given once more. */
let again: { order: RestoreOrder } = { order: {} }

const disk: RestoreFault[] = [
  {
    name: "the node's disk is full when 90 % of the file is there",
    theme,
    route: 'sftp',
    guest: 'large',
    happens: 'the restore fails; what was brought is removed, for which no room is needed',
    when: atStart,
    inject: ({ site }) => site.lab.faults.onSftp({ kind: 'disk-full', bytes: 135 * MIB }, 99),
    expected: ['TargetFull', 'TargetUnwritable'],
    cause: /failed to write .*Check the disk, the quota/,
  },
  ...onBothWays((route) => ({
    name: `a byte reaches the disk as another (${route})`,
    theme,
    route,
    happens: 'found by the CRC-32 of what lies there, and brought again',
    when: atStart,
    inject: ({ site, node: spoiled }) => {
      if (route === 'pull') spoiled.spoil('once')
      else site.lab.faults.onSftp({ kind: 'wrong-byte', at: MIB, writes: 1 }, 99)
    },
    expected: 'succeeded',
  })),
  {
    name: 'a byte of a compressed file reaches the disk as another',
    theme,
    route: 'sftp',
    guest: 'packed',
    happens:
      'not read back: the platform finds it as it unpacks the file; nothing is left, and another restore succeeds',
    when: atStart,
    inject: ({ site }) => site.lab.faults.onSftp({ kind: 'wrong-byte', at: MIB, writes: 1 }, 99),
    expected: ['RestoreFailed'],
    cause: /platform's restore ended with.*isn't what was archived, or is damaged: .*deliver it again/,
    instead: async (bed, order, armed) => {
      const ending = await bed.restore(order, armed)
      bed.site.lab.faults.clear()
      again = { order }
      return ending
    },
    check: async (bed) => {
      const { outcome, reason } = await bed.restore(again.order)
      if (outcome !== 'succeeded') throw new Error(`the next restore ended as ${outcome}: ${reason}`)
      if (bed.bytesUnlike('packed') > 0) throw new Error("the next restore's disk isn't as archived")
    },
  },
  {
    name: 'a byte of a compressed file that is to replace a guest reaches the disk as another',
    theme,
    route: 'sftp',
    guest: 'packed',
    request: { replace: true },
    happens: 'read back and brought again: the guest that is replaced is never lost for a file that is damaged',
    when: atStart,
    inject: ({ site }) => {
      site.lab.control.addGuest({ vmid: TARGET, kind: 'qemu', name: 'old', status: 'stopped', diskBytes: MIB })
      site.lab.faults.onSftp({ kind: 'wrong-byte', at: MIB, writes: 1 }, 99)
    },
    expected: 'succeeded',
  },
  ...onBothWays((route) => ({
    name: `a byte reaches the disk as another each time (${route})`,
    theme,
    route,
    happens: 'the restore fails, and no guest is made of the file',
    when: atStart,
    inject: ({ site, node: spoiled }) => {
      if (route === 'pull') spoiled.spoil('always')
      else site.lab.faults.onSftp({ kind: 'wrong-byte', at: MIB, writes: 99 }, 99)
    },
    expected: ['ChecksumMismatch'],
    cause: /isn't what was sent.*Check the disk and memory/,
    check: (bed) => {
      if (bed.told.events.some(({ details }) => details['name'] === 'Create guest')) throw new Error('a guest was made')
    },
  })),
]

const archive: RestoreFault[] = [
  {
    name: 'the object is replaced while it is brought',
    theme,
    route: 'sftp',
    guest: 'large',
    happens: 'the restore fails; bytes of two objects are never mixed',
    ...oncePlanned(async (bed) => bed.site.put(await bed.archiveOf('large'), 'another')),
    expected: ['ArchiveConflict'],
    cause: /replaced|another object|changed/,
    spoilsArchive: true,
  },
  ...onBothWays((route) => ({
    name: `the object is removed while it is brought (${route})`,
    theme,
    route,
    happens: 'the restore fails and says that the object is gone',
    ...oncePlanned(async (bed) => {
      await bed.site.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: await bed.archiveOf('small') }))
    }),
    expected: ['ArchiveConflict', 'ArchiveUnknown'],
    cause: /gone|removed/,
    spoilsArchive: true as const,
  })),
  ...onBothWays((route) => ({
    name: `the object is frozen again while it is brought (${route})`,
    theme,
    route,
    happens: 'the restore fails and says that the object lies in an archive class',
    ...oncePlanned(async ({ s3 }) => {
      s3.plan = ({ operation, key = '' }) =>
        operation === 'GetObject' && key.endsWith('.vma') ? { code: 'InvalidObjectState' } : undefined
    }),
    expected: ['ObjectFrozen'],
    cause: /lies in an archive class; restore it first/,
  })),
  {
    name: 'the archive is pruned while it is brought',
    theme,
    route: 'sftp',
    happens: 'the restore fails and says that the object is gone; the archives that pruning keeps stay whole',
    instead: async (bed, order, armed) => {
      const [oldest = ''] = (await bed.site.keys(`archives/hq/vm-${archived.small}/`)).filter((key) =>
        key.endsWith('.vma'),
      )
      return bed.restore({ ...order, archive: oldest }, armed)
    },
    ...oncePlanned(async ({ site }) => {
      const request = { site: 'hq', retention: { 'keep-last': 2 } }
      const { result } = await site.upkeep('pruneArchives', request)
      if (result.status !== 'SUCCEEDED') throw new Error(`pruning ended as ${result.status}`)
    }),
    expected: ['ArchiveConflict', 'ArchiveUnknown'],
    cause: /gone|removed/,
    spoilsArchive: true,
    check: async (bed) => {
      const kept = await bed.archiveOf('small')
      const changed = await bed.changedArchives()
      if (changed.length === 0) throw new Error('nothing was pruned')
      const folder = kept.slice(0, kept.lastIndexOf('/'))
      const lost = changed.filter(
        (key) => key.startsWith(folder) || !key.startsWith(`archives/hq/vm-${archived.small}/`),
      )
      if (lost.length > 0) throw new Error(`not only the pruned archive changed: ${lost.join(', ')}`)
    },
  },
]

const platform: RestoreFault[] = [
  {
    name: "the platform's answer to the order is lost",
    theme,
    route: 'sftp',
    happens: 'its tasks show the restore, which is gone on with; the guest is made once',
    when: atStart,
    inject: (bed) => {
      bed.site.lab.faults.onNextAnswer({ method: 'POST', path: '/nodes/pve1/qemu', fate: 'lost' })
    },
    expected: 'succeeded',
    cause: /RestoreStartUnclear/,
  },
  ...[-3, 3].map((hours): RestoreFault => {
    return {
      name: `the site's clock is ${Math.abs(hours)} hours ${hours < 0 ? 'behind' : 'ahead'}, and the answer to the order is lost`,
      theme,
      route: 'sftp',
      happens: 'the restore is found among the tasks all the same; the guest is made once',
      when: atStart,
      inject: (bed) => {
        bed.site.lab.control.setClockOffset(hours * 3600)
        bed.site.lab.faults.onNextAnswer({ method: 'POST', path: '/nodes/pve1/qemu', fate: 'lost' })
      },
      expected: 'succeeded',
      cause: /RestoreStartUnclear/,
    }
  }),
  {
    name: 'the id is taken between the check and the order',
    theme,
    route: 'sftp',
    happens: 'the restore is refused; the newcomer is untouched',
    when: { state: 'Finish delivery' },
    inject: ({ site }) => {
      site.lab.control.addGuest({ vmid: TARGET, kind: 'qemu', name: 'newcomer' })
    },
    expected: ['RestoreRefused'],
    cause: /newcomer/,
    holder: 'newcomer',
  },
  {
    name: "the platform can't make a guest of the file",
    theme,
    route: 'sftp',
    happens: "the restore fails with the platform's words; the half-made guest is removed",
    when: atStart,
    inject: nothing,
    // The archive has to be that way before the restore is planned.
    instead: async (bed, order) => {
      await shortenArchive(bed)
      return bed.restore(order)
    },
    expected: ['RestoreFailed'],
    cause: /platform's restore ended with/,
    spoilsArchive: true,
  },
  {
    name: "the platform's task is killed",
    theme,
    route: 'sftp',
    happens: 'the restore fails; a guest that only root can unlock stays, and the report has the command',
    when: { state: 'Check restore' },
    inject: ({ site }) => {
      const running = site.lab.control.tasks().find(({ type, running: runs }) => type === 'qmrestore' && runs)
      if (running === undefined) throw new Error('no restore runs')
      site.lab.control.killTask(running.upid)
    },
    instead: async (bed, order, armed) => {
      bed.site.lab.control.setSecondsPerDump(60)
      return bed.restore(order, armed)
    },
    expected: ['RestoreFailed'],
    leaves: new RegExp(`qm unlock ${TARGET} && qm destroy ${TARGET}`),
  },
  secondRestore(),
]

/** Two executions of one id. */
function secondRestore(): RestoreFault {
  let second: RestoreEnding | undefined
  return {
    name: 'two restores to one id run at once',
    theme,
    route: 'sftp',
    happens: 'the second is refused and names the first, which goes on',
    when: { state: 'Begin delivery' },
    inject: () => undefined,
    instead: async (bed, order, armed) => {
      let other: Promise<RestoreEnding> | undefined
      bed.s3.onDone = async ({ operation, key = '' }) => {
        if (operation !== 'PutObject' || !key.includes('/delivered/') || other !== undefined) return
        other = bed.restore(order)
        second = await other
      }
      return bed.restore(order, armed)
    },
    expected: 'succeeded',
    check: () => {
      if (second?.verdict !== 'RestoreRefused') throw new Error(`the second ended as ${second?.verdict}`)
      if (!/another restore|being restored/i.test(second.reason)) throw new Error(`it says ${second.reason}`)
    },
  }
}

/** Cut off the file's end, and have the manifest agree: its own format is what is broken then. */
async function shortenArchive(bed: RestoreBed): Promise<void> {
  const key = await bed.archiveOf('small')
  const manifestKey = `${key.slice(0, key.lastIndexOf('/'))}/manifest.json`
  const whole = readFileSync(bed.site.path(key))
  const bytes = whole.subarray(0, whole.length - MIB)
  const manifest = manifestSchema.parse(JSON.parse(await bed.site.text(manifestKey)))
  const checksum = `CRC32:${crc32ToBase64(crc32(bytes))}`
  const artifacts = manifest.artifacts.map((one) => ({ ...one, checksum, sizeBytes: bytes.length }))
  await bed.site.put(key, bytes)
  await bed.site.put(manifestKey, JSON.stringify({ ...manifest, artifacts }))
}

/** Each right after it has written something down, which is when the least is known of it. */
const steps = [
  { stem: 'check-target', state: 'Check target', writes: /restore\.json$/ },
  { stem: 'deliver-parts', state: 'Deliver parts', writes: /delivered/ },
  { stem: 'finish-delivery', state: 'Finish delivery', writes: /restore\.json$/ },
  // First that it will ask the platform, then what it was given for an answer.
  { stem: 'create-guest', state: 'Create guest', writes: /restore\.json$/, times: 2 },
  { stem: 'check-restore', state: 'Check restore', writes: /restore\.json$/ },
  { stem: 'compare-guest', state: 'Compare guest', writes: /restore\.json$/ },
  { stem: 'finish-restore', state: 'Finish restore', writes: /report\.json$/ },
]

const functions = steps.map(({ stem, state, writes, times = 1 }): RestoreFault => {
  return {
    name: `the function ${stem} is killed right after it wrote something down`,
    theme,
    route: 'sftp',
    happens: 'called again; the guest is made once',
    when: { state },
    inject: (bed) => {
      let seen = 0
      bed.s3.onDone = async ({ operation, key = '' }) => {
        if (bed.state() !== state || operation !== 'PutObject' || !writes.test(key)) return
        seen += 1
        if (seen === times) await bed.kill(stem)
      }
    },
    expected: 'succeeded',
    cause: /signal: killed/,
  }
})

const executions: RestoreFault[] = [
  {
    name: 'its operator stops the restore',
    theme,
    route: 'sftp',
    happens: 'the file and a half-made guest are removed',
    when: { state: 'Finish delivery' },
    inject: (bed) => bed.stop(),
    expected: ['RunInterrupted'],
  },
  {
    name: "the restore's execution dies without a word",
    theme,
    route: 'sftp',
    happens: 'the next sweep removes what it left and writes its report',
    when: { state: 'Finish delivery' },
    inject: (bed) => bed.die(),
    instead: async (bed, order, armed) => {
      await bed.restore(order, armed)
      if (bed.delivered().length === 0) throw new Error('the dead restore left no file')
      return sweptEnding(bed)
    },
    expected: ['ExecutionEnded'],
    cause: /nobody went on with it/,
  },
]

/** The lease lapses, and the sweep comes by. */
async function swept({ site }: RestoreBed): Promise<{ outcome: string; restoreId: string }> {
  const [lease] = await site.keys('restores/open/')
  if (lease === undefined) throw new Error('no restore holds an id')
  const held = JSON.parse(await site.text(lease)) as Record<string, unknown>
  await site.put(lease, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
  const { told, result } = await site.upkeep('sweepUploads', { sites: ['hq', 'sftp', 'pull'] })
  const report = told !== undefined && 'report' in told ? told.report : undefined
  return { outcome: report?.outcome ?? result.status, restoreId: String(held['restoreId']) }
}

async function sweptEnding(bed: RestoreBed): Promise<RestoreEnding> {
  const { site } = bed
  const { outcome, restoreId: id } = await swept(bed)
  if (outcome !== 'succeeded') throw new Error(`the sweep ended as ${outcome}`)
  const key = (await site.keys('restores/')).find((each) => each.endsWith(`/${id}/restore.json`)) ?? ''
  const { ended } = restoreRecordSchema.parse(JSON.parse(await site.text(key)))
  const { Error: verdict = 'none', Cause: reason = '' } = ended?.error ?? {}
  return { outcome: 'failed', verdict, reason, report: undefined }
}

export const restoreFaults: readonly RestoreFault[] = [
  ...way,
  ...disk,
  ...archive,
  ...platform,
  ...functions,
  ...executions,
]
