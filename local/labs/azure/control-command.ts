/** What anybody may ask of a running lab from outside: one JSON object, one or more of these verbs in it. */
import * as z from 'zod'
import { Refused } from '../shared/control-server.ts'
import type { AzureControl } from './control.ts'
import { MIB, scattered, seededContent } from './disks/content.ts'
import type { VmSpec } from './subscription.ts'

const timesSchema = z.int().min(1, 'a fault strikes at least once').max(100_000).optional()
const nameSchema = z.string().min(1)

export const azureCommandSchema = z
  .strictObject({
    /** The services' clock less this machine's. */
    clockOffsetSeconds: z.int('the offset is whole seconds').optional(),
    addVm: z
      .strictObject({
        name: nameSchema,
        group: nameSchema.optional(),
        state: z.enum(['running', 'stopped', 'deallocated']).optional(),
        tags: z.record(z.string(), z.string()).optional(),
        sizeMib: z.int().min(1).max(1_048_576).optional(),
        writtenMib: z.int().min(0).optional(),
      })
      .optional(),
    removeVm: nameSchema.optional(),
    setVm: z
      .strictObject({
        name: nameSchema,
        state: z.enum(['running', 'stopped', 'deallocated']).optional(),
        tags: z.record(z.string(), z.string()).optional(),
        /** Whether the guest agent answers. */
        agent: z.boolean().optional(),
      })
      .optional(),
    /** `true` keeps new operations in progress, `false` lets all go on. */
    holdOperations: z.boolean().optional(),
    failOperation: z
      .strictObject({ call: nameSchema, code: nameSchema, message: nameSchema, times: timesSchema })
      .optional(),
    /** A policy forbids a call from now on. */
    forbid: z.strictObject({ call: nameSchema, policy: nameSchema, times: timesSchema }).optional(),
    nextAnswer: z
      .strictObject({
        /** As `restorePoints.createOrUpdate` or `blob.read`; `*` for any. */
        call: nameSchema,
        fate: z.enum(['throttled', 'busy', 'lost', 'dropped', 'cut', 'truncated', 'page', 'whole', 'corrupt']),
        times: timesSchema,
      })
      .optional(),
    expireTokens: z.literal(true).optional(),
    expireSignatures: z.literal(true).optional(),
    tokenSeconds: z.int().min(1).optional(),
    pageSize: z.int().min(1).optional(),
    operationSeconds: z.int().min(0).optional(),
  })
  .refine((command) => Object.values(command).some((given) => given !== undefined), { error: 'there is no verb in it' })

export type AzureCommand = z.infer<typeof azureCommandSchema>

/** What the subscription holds, and what happened: small enough to read, and without secrets. */
export function stateOf(control: AzureControl): Record<string, unknown> {
  const counts: Record<string, number> = {}
  for (const { call } of control.seen) counts[call] = (counts[call] ?? 0) + 1
  return {
    vms: control
      .vms()
      .map(({ name, group, vmId, state, location, tags }) => ({ name, group, vmId, state, location, tags })),
    disks: control.disks().map(({ name, group, sizeBytes, state }) => ({ name, group, sizeBytes, state })),
    restorePoints: control.collections().flatMap(({ name, points }) =>
      [...points.values()].map((point) => ({
        collection: name,
        name: point.name,
        state: point.provisioning,
        mode: point.mode ?? 'ApplicationConsistent',
        disks: point.disks.length,
      })),
    ),
    collections: control.collections().map(({ name, group, tags }) => ({ name, group, tags })),
    snapshots: control
      .snapshots()
      .map(({ name, group, provisioning, tags }) => ({ name, group, state: provisioning, tags })),
    liveSignatures: control.liveSignatures().map(({ id }) => id),
    operations: control
      .operations()
      .filter(({ status }) => status === 'InProgress')
      .map(({ call, about }) => ({ call, about })),
    calls: counts,
  }
}

function complaintsOf(control: AzureControl, { addVm, setVm, removeVm }: AzureCommand): string[] {
  const missing = (name: string | undefined): string[] =>
    name === undefined || control.vms().some((vm) => vm.name === name) ? [] : [`there is no VM ${name}`]
  const taken = addVm !== undefined && control.vms().some((vm) => vm.name === addVm.name)
  return [...missing(setVm?.name), ...missing(removeVm), ...(taken ? [`there is a VM ${addVm.name} already`] : [])]
}

function specOf({
  name,
  group = 'rg-prod',
  state,
  tags,
  sizeMib = 64,
  writtenMib = 8,
}: NonNullable<AzureCommand['addVm']>): VmSpec {
  const sizeBytes = sizeMib * MIB
  const content = seededContent(scattered(sizeBytes, writtenMib * MIB), name.length)
  return {
    name,
    group,
    ...(state === undefined ? {} : { state }),
    ...(tags === undefined ? {} : { tags }),
    disks: [{ name: `${name}_OsDisk`, sizeBytes, content }],
  }
}

function strike(control: AzureControl, { call, fate, times }: NonNullable<AzureCommand['nextAnswer']>): void {
  if (fate === 'page') control.answerPage(call, 200, times)
  else if (fate === 'throttled') control.throttle(call, 1, times)
  else if (fate === 'busy') control.busy(call, times)
  else if (fate === 'lost') control.loseAnswer(call, times)
  else if (fate === 'dropped') control.dropRequest(call, times)
  else if (fate === 'cut') control.cutAnswer(call, times)
  else if (fate === 'truncated') control.truncateAnswer(call, times)
  else if (fate === 'whole') control.answerWhole(times)
  else control.corruptRead(times)
}

function carryOutVms(control: AzureControl, { addVm, setVm, removeVm }: AzureCommand): void {
  if (addVm !== undefined) control.addVm(specOf(addVm))
  if (setVm !== undefined) {
    const { name, state, tags, agent } = setVm
    control.setVm(name, {
      ...(state === undefined ? {} : { state }),
      ...(tags === undefined ? {} : { tags }),
      ...(agent === undefined ? {} : { agent }),
    })
  }
  if (removeVm !== undefined) control.removeVm(removeVm)
}

/**
 * Carry out a command, all of it or nothing. Returns the state afterwards.
 * @throws Refused with a sentence when it names what isn't there
 */
export function carryOut(control: AzureControl, command: AzureCommand): Record<string, unknown> {
  const complaints = complaintsOf(control, command)
  if (complaints.length > 0) throw new Refused(`The lab can't do this: ${complaints.join('; ')}.`)
  carryOutVms(control, command)
  const { clockOffsetSeconds, holdOperations, failOperation, forbid, nextAnswer } = command
  if (clockOffsetSeconds !== undefined) control.setClockSkew(clockOffsetSeconds * 1000)
  if (holdOperations === true) control.holdOperations()
  if (holdOperations === false) control.releaseOperations()
  if (failOperation !== undefined) {
    const { call, code, message, times } = failOperation
    control.failOperation(call, { code, message }, times)
  }
  if (forbid !== undefined) control.forbid(forbid.call, forbid.policy, forbid.times)
  if (nextAnswer !== undefined) strike(control, nextAnswer)
  const { expireTokens, expireSignatures, tokenSeconds, pageSize, operationSeconds } = command
  if (expireTokens === true) control.expireTokens()
  if (expireSignatures === true) control.expireSignatures()
  if (tokenSeconds !== undefined) control.settings.tokenSeconds = tokenSeconds
  if (pageSize !== undefined) control.settings.pageSize = pageSize
  if (operationSeconds !== undefined) control.settings.operationSeconds = operationSeconds
  return stateOf(control)
}
