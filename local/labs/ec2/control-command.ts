/** What anybody may ask of a running lab from outside: one JSON object, one or more of these verbs in it. */
import * as z from 'zod'
import { Refused } from '../shared/control-server.ts'
import type { InstanceSpec } from './account.ts'
import type { Ec2Control } from './control.ts'
import { blocksOf, seededContent } from './disk.ts'

const timesSchema = z.int().min(1, 'a fault strikes at least once').max(100_000).optional()
const idSchema = z.string().min(1)

export const ec2CommandSchema = z
  .strictObject({
    /** The services' clock less this machine's. */
    clockOffsetSeconds: z.int('the offset is whole seconds').optional(),
    addInstance: z
      .strictObject({
        name: z.string().min(1),
        zone: z.string().min(1).optional(),
        state: z.enum(['running', 'stopped']).optional(),
        sizeGiB: z.int().min(1).max(16_384).optional(),
        /** Blocks of 512 KiB that were written, from the disk's start on. */
        writtenBlocks: z.int().min(0).optional(),
      })
      .optional(),
    removeInstance: idSchema.optional(),
    setInstance: z
      .strictObject({
        id: idSchema,
        state: z.enum(['running', 'stopped', 'terminated']).optional(),
        tags: z.record(z.string(), z.string()).optional(),
      })
      .optional(),
    /** `true` keeps new snapshots pending, `false` finishes all. */
    holdSnapshots: z.boolean().optional(),
    failSnapshot: z.strictObject({ id: idSchema, message: z.string().min(1) }).optional(),
    removeSnapshot: idSchema.optional(),
    /** Lists leave a new snapshot out so many times. */
    hideNewSnapshots: z.int().min(0).optional(),
    corruptBlock: z
      .strictObject({ snapshotId: idSchema, index: z.int().min(0), how: z.enum(['sum', 'bytes']), times: timesSchema })
      .optional(),
    nextAnswer: z
      .strictObject({
        /** As `CreateSnapshots`; `*` for any. */
        action: z.string().min(1),
        fate: z.enum(['throttled', 'lost', 'dropped', 'cut', 'page']),
        times: timesSchema,
      })
      .optional(),
    /** Sessions of roles end now. */
    expireSessions: z.literal(true).optional(),
  })
  .refine((command) => Object.values(command).some((given) => given !== undefined), { error: 'there is no verb in it' })

export type Ec2Command = z.infer<typeof ec2CommandSchema>

/** What the account holds, and what happened: small enough to read. */
export function stateOf(control: Ec2Control): Record<string, unknown> {
  const counts: Record<string, number> = {}
  for (const { action } of control.seen) counts[action] = (counts[action] ?? 0) + 1
  return {
    instances: control
      .instances()
      .map(({ id, zone, state, tags }) => ({ id, zone, state, tags: Object.fromEntries(tags) })),
    volumes: control.volumes().map(({ id, sizeGiB, state, attachment, disk }) => ({
      id,
      sizeGiB,
      state,
      ...(attachment === undefined ? {} : { instanceId: attachment.instanceId, device: attachment.device }),
      writtenBlocks: disk.indexes.length,
    })),
    snapshots: control.snapshots().map(({ id, volumeId, state, tags, disk }) => ({
      id,
      volumeId,
      state,
      writtenBlocks: disk.indexes.length,
      tags: Object.fromEntries(tags),
    })),
    images: control.images().map(({ id, name }) => ({ id, name })),
    calls: counts,
    blocksRead: control.blocksRead.length,
  }
}

/** Why a command can't be carried out; empty when it can. */
function complaintsOf(control: Ec2Control, command: Ec2Command): string[] {
  const missing = (what: string, of: readonly { id: string }[], id: string | undefined): string[] =>
    id === undefined || of.some((one) => one.id === id) ? [] : [`there is no ${what} ${id}`]
  const { addInstance, removeInstance, setInstance, failSnapshot, removeSnapshot, corruptBlock } = command
  const [instances, snapshots] = [control.instances(), control.snapshots()]
  const most = blocksOf(addInstance?.sizeGiB ?? 8)
  return [
    ...((addInstance?.writtenBlocks ?? 0) > most ? [`a disk of this size has ${most} blocks`] : []),
    ...(addInstance?.zone !== undefined && !control.zones().includes(addInstance.zone)
      ? [`there is no zone ${addInstance.zone}`]
      : []),
    ...missing('instance', instances, removeInstance),
    ...missing('instance', instances, setInstance?.id),
    ...missing('snapshot', snapshots, failSnapshot?.id),
    ...missing('snapshot', snapshots, removeSnapshot),
    ...missing('snapshot', snapshots, corruptBlock?.snapshotId),
  ]
}

function specOf({
  name,
  zone,
  state,
  sizeGiB = 8,
  writtenBlocks = 16,
}: NonNullable<Ec2Command['addInstance']>): InstanceSpec {
  const blocks = Array.from({ length: writtenBlocks }, (_none, index) => index)
  return {
    name,
    ...(zone === undefined ? {} : { zone }),
    ...(state === undefined ? {} : { state }),
    volumes: [{ device: '/dev/xvda', sizeGiB, content: seededContent(blocks, name.length) }],
  }
}

function strike(control: Ec2Control, { action, fate, times }: NonNullable<Ec2Command['nextAnswer']>): void {
  if (fate === 'page') control.answerPage(action, 200, times)
  else if (fate === 'throttled') control.throttle(action, times)
  else if (fate === 'lost') control.loseAnswer(action, times)
  else if (fate === 'dropped') control.dropRequest(action, times)
  else control.cutAnswer(action, times)
}

/**
 * Carry out a command, all of it or nothing. Returns the state afterwards.
 * @throws Refused with a sentence when it names what isn't there
 */
export function carryOut(control: Ec2Control, command: Ec2Command): Record<string, unknown> {
  const complaints = complaintsOf(control, command)
  if (complaints.length > 0) throw new Refused(`The lab can't do this: ${complaints.join('; ')}.`)
  const { clockOffsetSeconds, addInstance, removeInstance, setInstance, holdSnapshots } = command
  if (clockOffsetSeconds !== undefined) control.setClockSkew(clockOffsetSeconds * 1000)
  if (addInstance !== undefined) control.addInstance(specOf(addInstance))
  if (setInstance !== undefined) {
    const { id, state, tags } = setInstance
    control.setInstance(id, { ...(state === undefined ? {} : { state }), ...(tags === undefined ? {} : { tags }) })
  }
  if (removeInstance !== undefined) control.removeInstance(removeInstance)
  if (holdSnapshots === true) control.holdSnapshots()
  if (holdSnapshots === false) control.finishSnapshots()
  const { failSnapshot, removeSnapshot, hideNewSnapshots, corruptBlock, nextAnswer, expireSessions } = command
  if (failSnapshot !== undefined) control.failSnapshot(failSnapshot.id, failSnapshot.message)
  if (removeSnapshot !== undefined) control.removeSnapshot(removeSnapshot)
  if (hideNewSnapshots !== undefined) control.settings.hideNewSnapshots = hideNewSnapshots
  if (corruptBlock !== undefined) {
    const { snapshotId, index, how, times } = corruptBlock
    control.corruptBlock(snapshotId, index, how, times)
  }
  if (nextAnswer !== undefined) strike(control, nextAnswer)
  if (expireSessions === true) control.expireSessions()
  return stateOf(control)
}
