/** Where faults of instances are tried: an account of EC2 whose calls can be made to fail, as can S3 and the functions. */
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { LEASE_SECONDS } from '../../../functions/domain/backup/guest-claim.ts'
import type { HistoryEvent } from '../../../local/asl/interpreter.ts'
import { type Disk, seededContent } from '../../../local/labs/ec2/disk.ts'
import type { Ec2Control } from '../../../local/labs/ec2/control.ts'
import { type Ec2E2eBed, openEc2Bed, WEB, written } from '../ec2-bed.ts'
import { killFunction } from '../kill-function.ts'
import { bucket } from '../store-bed.ts'
import { messageIn, type Told } from './arming.ts'
import type { Arming, Ending } from './fault.ts'
import { PartLedger } from './part-ledger.ts'

/** Of both volumes: those of the first are two parts. */
export const BLOCKS = 146
const ACCOUNT = '000000000000'

export interface InstanceBed {
  account: Ec2Control
  s3: Ec2E2eBed['s3Faults']
  ledger: PartLedger
  /** Executions so far since the last `mend`. */
  told: Told
  /** A run of the instance; `name` is the execution's. */
  run(arming?: Partial<Arming>, options?: { name?: string; item?: unknown }): Promise<Ending>
  /** The run ends as after Ctrl-C. */
  stop(): void
  /** Everything ends at once: no function finishes, no clean-up runs. */
  die(): void
  /** What a run planned for the instance. */
  planned(name: string): Promise<unknown>
  letClaimsLapse(): Promise<void>
  /** Nobody repeats the guest for two weeks, and the daily sweep comes. */
  twoWeeksLater(): Promise<void>
  kill(stem: string): Promise<number>
  keys(prefix: string): Promise<string[]>
  openUploads(): Promise<string[]>
  bytes(key: string): Promise<Buffer>
  directory: string
  /** The volumes of the instance, by device without folder. */
  disks(): Map<string, Disk>
  /** Everything works again, and nothing is left of what was. */
  mend(): Promise<void>
  close(): Promise<void>
}

/** Two volumes of a GiB. */
const instance = () => ({
  id: WEB,
  name: 'web',
  zone: 'eu-central-1b',
  volumes: [
    { device: '/dev/xvda', sizeGiB: 1, content: seededContent(written(140), 1) },
    { device: '/dev/sdf', sizeGiB: 1, content: seededContent(written(6), 2) },
  ],
})

export async function openInstanceBed(): Promise<InstanceBed> {
  const opened = await openEc2Bed({ account: ACCOUNT, instances: [instance()] }, [{ site: 'aws' }])
  const { lab, s3, runner, directory, assembly } = opened
  let runs = 0
  let [interrupt, death] = [new AbortController(), new AbortController()]

  const openUploads = async () => (await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []
  const bed: InstanceBed = {
    account: lab.control,
    s3: { plan: undefined, onDone: undefined },
    ledger: new PartLedger(),
    told: { events: [], lines: [] },
    async run({ onState, onPart } = {}, { name, item } = {}) {
      runs += 1
      const { told } = bed
      const listener = {
        onEvent: (event: HistoryEvent) => {
          told.events.push(event)
          if (event.type.endsWith('StateEntered')) onState?.(event.details['name'] as string)
        },
        onLog: (line: Record<string, unknown>) => {
          told.lines.push(line)
          if (line['event'] === 'part-copied') onPart?.()
        },
      }
      const job = item ?? { site: 'aws', guests: { ids: [WEB] } }
      const signals = { interrupt: interrupt.signal, kill: death.signal }
      const workflow = item === undefined ? 'exportRun' : 'exportGuest'
      return endingOf(await runner.run(job, name ?? `run-${runs}`, listener, signals, workflow))
    },
    stop: () => interrupt.abort(),
    die: () => {
      death.abort()
      death = new AbortController()
    },
    planned: async (name) => {
      const [key = ''] = (await opened.keys('runs/')).filter((one) => one.endsWith(`/${name}/plan.json`))
      const [item] = JSON.parse((await opened.bytes(key)).toString()) as unknown[]
      return item
    },
    letClaimsLapse: async () => {
      const renewedAt = new Date(Date.now() - (LEASE_SECONDS + 1) * 1000).toISOString()
      for (const Key of await opened.keys('claims/')) {
        const claim = JSON.parse((await opened.bytes(Key)).toString()) as object
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: JSON.stringify({ ...claim, renewedAt }) }))
      }
    },
    twoWeeksLater: async () => {
      runs += 1
      const then = new Date(Date.now() - 15 * 86_400_000)
      for (const Key of await opened.keys('claims/')) {
        const { keptSince: _since, ...claim } = JSON.parse((await opened.bytes(Key)).toString()) as {
          keptSince?: string
        }
        const Body = JSON.stringify({ ...claim, renewedAt: then.toISOString() })
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
      }
      for (const snapshot of lab.control.snapshots()) snapshot.startedAt = then
      const never = new AbortController().signal
      const listener = { onEvent: () => undefined, onLog: () => undefined }
      const order = { dryRun: false, sites: ['aws'] }
      await runner.upkeep('sweepUploads', order, `sweep-${runs}`, listener, { interrupt: never, kill: never })
    },
    kill: (stem) => killFunction(assembly, stem),
    keys: (prefix) => opened.keys(prefix),
    openUploads: async () => (await openUploads()).flatMap(({ Key }) => Key ?? []),
    bytes: (key) => opened.bytes(key),
    directory,
    disks: () =>
      new Map(
        lab.control
          .volumes()
          .flatMap(({ attachment, disk }) =>
            attachment === undefined ? [] : [[attachment.device.replace('/dev/', ''), disk]],
          ),
      ),
    async mend() {
      ;[interrupt, death] = [new AbortController(), new AbortController()]
      bed.s3 = { plan: undefined, onDone: undefined }
      // The run's test of the store has tests of its own.
      const isOfTest = ({ key }: { key: string | undefined }) => key?.startsWith('uploads/test/') === true
      opened.s3Faults.plan = (subject) => {
        if (isOfTest(subject)) return undefined
        bed.ledger.asked(subject)
        return bed.s3.plan?.(subject)
      }
      opened.s3Faults.onDone = async (done) => {
        if (isOfTest(done)) return
        await bed.ledger.done(done)
        await bed.s3.onDone?.(done)
      }
      const { control } = lab
      control.clearFaults()
      control.finishSnapshots()
      for (const { id } of control.snapshots()) control.removeSnapshot(id)
      if (control.instances().length === 0) control.addInstance(instance())
      for (const { Key, UploadId } of await openUploads()) {
        await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
      }
      const keys = await opened.keys('')
      await Promise.all(keys.map((Key) => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))))
      control.resetCounts()
      bed.ledger = new PartLedger()
      bed.told = { events: [], lines: [] }
    },
    close: () => opened.close(),
  }
  await bed.mend()
  return bed
}

function endingOf({ result, report }: Awaited<ReturnType<Ec2E2eBed['runner']['run']>>): Ending {
  const output = result.status === 'SUCCEEDED' ? (result.output as unknown) : undefined
  const own = typeof output === 'object' && output !== null && 'verdict' in output ? output : undefined
  const guest = report?.guests[0] ?? (own as NonNullable<typeof report>['guests'][number] | undefined)
  if (guest !== undefined) {
    const { outcome, verdict, reason, artifacts, bytesSent } = guest
    return { outcome, verdict, reason, objectKey: artifacts[0]?.key, bytesSent }
  }
  const { error = result.status, cause = '' } = result.status === 'SUCCEEDED' ? {} : result
  return { outcome: 'none', verdict: error, reason: messageIn(cause), objectKey: undefined, bytesSent: 0 }
}
