/** An account with an archived instance, whose disks restores bring back: with the roles of a deployment, enforced. */
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { type RestoreReport, restoreReportSchema } from '../../functions/contracts/restore-report.ts'
import type { ExecutionResult, HistoryEvent } from '../../local/asl/interpreter.ts'
import type { Judgement } from '../../local/iam/guard.ts'
import { seededContent } from '../../local/labs/ec2/disk.ts'
import type { Ec2Lab } from '../../local/labs/ec2/lab.ts'
import { DB, openEc2Bed, WEB, written } from './ec2-bed.ts'
import { killFunction } from './kill-function.ts'
import { bucket, quiet } from './store-bed.ts'

export const KEY = 'arn:aws:kms:eu-central-1:000000000000:key/00000000-1111-4222-8333-444444444444'

export interface RestoreListening {
  /** A part was brought; states that are entered. */
  onPart?: () => void
  onState?: (name: string) => void
  interrupt?: AbortSignal
  kill?: AbortSignal
}

export interface Ec2RestoreBed {
  lab: Ec2Lab
  directory: string
  judgements: Judgement[]
  restore(
    request: object,
    listening?: RestoreListening,
  ): Promise<{ result: ExecutionResult; report: RestoreReport | undefined }>
  /** Leases of restores that died lapse, and the daily sweep comes. */
  sweep(): Promise<ExecutionResult>
  kill(stem: string): Promise<number>
  keys(prefix: string): Promise<string[]>
  put(key: string, body: string): Promise<void>
  remove(key: string): Promise<void>
  close(): Promise<void>
}

/** The instance has a disk of three parts, among them written zeros, and one of a TiB that is nearly empty and encrypted. */
export async function openEc2RestoreBed(): Promise<Ec2RestoreBed> {
  const opened = await openEc2Bed(
    {
      // That of the roles which are synthesised without one.
      account: '000000000000',
      settings: { snapshotAsks: 2 },
      instances: [
        {
          id: WEB,
          name: 'web',
          zone: 'eu-central-1b',
          bootMode: 'uefi',
          architecture: 'arm64',
          volumes: [
            { device: '/dev/xvda', sizeGiB: 1, content: withZeros(seededContent(written(280), 1), [1, 2047]) },
            {
              device: '/dev/sdf',
              sizeGiB: 1024,
              encrypted: true,
              kmsKeyId: KEY,
              content: seededContent(written(10, 1_900_000), 2),
            },
          ],
        },
        { id: DB, name: 'db', volumes: [{ device: '/dev/xvda', sizeGiB: 1, content: seededContent(written(9), 3) }] },
      ],
    },
    [{ site: 'aws', keyArns: [KEY], restore: { keyArns: [KEY] } }],
    { restore: {} },
  )
  const { lab, s3, runner, directory, assembly, judgements } = opened
  const never = new AbortController().signal
  let executions = 0
  const archived = await runner.run({ site: 'aws', guests: { ids: [WEB, DB] } }, 'run-1', quiet, {
    interrupt: never,
    kill: never,
  })
  if (archived.result.status !== 'SUCCEEDED') throw new Error(JSON.stringify(archived.result))
  lab.control.resetCounts()

  const put = async (Key: string, Body: string): Promise<void> =>
    void (await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body })))
  return {
    lab,
    directory,
    judgements,
    restore: async (request, { onPart, onState, interrupt = never, kill = never } = {}) => {
      executions += 1
      const name = `restore-${executions}`
      const listener = {
        onEvent: ({ type, details }: HistoryEvent) => {
          if (type.endsWith('StateEntered')) onState?.(details['name'] as string)
        },
        onLog: (line: Record<string, unknown>) => {
          if (line['event'] === 'part-copied') onPart?.()
        },
      }
      const asked = { archive: `aws/vm-${DB}`, site: 'aws', confirm: true, ...request }
      const { result, told } = await runner.upkeep('restoreGuest', asked, name, listener, { interrupt, kill })
      const report = told === undefined || !('report' in told) ? undefined : restoreReportSchema.parse(told.report)
      return { result, report }
    },
    sweep: async () => {
      executions += 1
      for (const key of await opened.keys('restores/open/')) {
        const held = JSON.parse((await opened.bytes(key)).toString()) as Record<string, unknown>
        await put(key, JSON.stringify({ ...held, until: '2020-01-01T00:00:00.000Z' }))
      }
      const request = { sites: ['aws'] }
      const signals = { interrupt: never, kill: never }
      return (await runner.upkeep('sweepUploads', request, `sweep-${executions}`, quiet, signals)).result
    },
    kill: (stem) => killFunction(assembly, stem),
    keys: (prefix) => opened.keys(prefix),
    remove: async (Key) => void (await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))),
    put,
    close: () => opened.close(),
  }
}

function withZeros(
  content: ReturnType<typeof seededContent>,
  zeros: readonly number[],
): ReturnType<typeof seededContent> {
  const nothing = new Uint8Array(524_288)
  return {
    blocks: [...content.blocks, ...zeros].toSorted((one, other) => one - other),
    read: (index) => (zeros.includes(index) ? nothing : content.read(index)),
  }
}
