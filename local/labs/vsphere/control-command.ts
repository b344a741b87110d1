/** What anybody may ask of a running lab from outside: one JSON object, one or more of these verbs in it. */
import * as z from 'zod'
import { seededContent } from '../ec2/disk.ts'
import { Refused } from '../shared/control-server.ts'
import type { VsphereControl } from './control.ts'
import type { GuestSpec } from './world/specs.ts'

const MIB = 1024 ** 2
const BLOCKS_IN_MIB = 2

const timesSchema = z.int().min(1, 'a fault strikes at least once').max(100_000).optional()
/** A guest by its name, its instance UUID or its reference. */
const guestSchema = z.string().min(1)

export const vsphereCommandSchema = z
  .strictObject({
    /** The server's clock less this machine's. */
    clockOffsetSeconds: z.int('the offset is whole seconds').optional(),
    addGuest: z
      .strictObject({
        name: z.string().min(1),
        folder: z.string().min(1).optional(),
        state: z.enum(['poweredOn', 'poweredOff']).optional(),
        sizeMib: z.int().min(1).max(1_048_576).optional(),
        /** From the disk's start on. */
        writtenMib: z.int().min(0).optional(),
        tags: z.array(z.string().regex(/^[^:]+:.+$/, 'a tag is category:name')).optional(),
        /** Names of snapshots that it has already, from the oldest on. */
        snapshots: z.array(z.string().min(1)).optional(),
      })
      .optional(),
    removeGuest: guestSchema.optional(),
    setGuest: z
      .strictObject({
        guest: guestSchema,
        powerState: z.enum(['poweredOn', 'poweredOff']).optional(),
        toolsRunning: z.boolean().optional(),
        consolidationNeeded: z.boolean().optional(),
        /** Name of a host, as after a vMotion. */
        host: z.string().min(1).optional(),
      })
      .optional(),
    /** The guest writes to its first disk, or to another one. */
    write: z
      .strictObject({
        guest: guestSchema,
        disk: z.int().min(0).optional(),
        offsetBytes: z.int().min(0),
        text: z.string().min(1),
      })
      .optional(),
    /** `true` keeps new tasks running, `false` finishes all. */
    holdTasks: z.boolean().optional(),
    failTask: z.strictObject({ id: z.string().min(1), fault: z.string().min(1) }).optional(),
    /** Quiescing fails with this fault from now on; `null`: no more. */
    quiesceFault: z
      .strictObject({ type: z.string().min(1), leavesSnapshot: z.boolean() })
      .nullable()
      .optional(),
    /** Removals leave files behind, and consolidating changes nothing. */
    keepConsolidationNeeded: z.boolean().optional(),
    removeSnapshot: z.string().min(1).optional(),
    nextAnswer: z
      .strictObject({
        /** A method, as `CreateSnapshot_Task`, or a path, as `/folder`; `*` for any. */
        of: z.string().min(1),
        fate: z.enum(['lost', 'dropped', 'cut', 'page', 'unavailable', 'whole', 'wrong range']),
        times: timesSchema,
      })
      .optional(),
    /** The next calls of a method, or of what is below a path, are refused with a fault, as `NoPermission`. */
    refuse: z.strictObject({ of: z.string().min(1), fault: z.string().min(1), times: timesSchema }).optional(),
    endSessions: z.literal(true).optional(),
    changeCertificate: z.literal(true).optional(),
  })
  .refine((command) => Object.values(command).some((given) => given !== undefined), { error: 'there is no verb in it' })

export type VsphereCommand = z.infer<typeof vsphereCommandSchema>

/** What the site holds, and what happened: small enough to read. */
export function stateOf(control: VsphereControl): Record<string, unknown> {
  const calls: Record<string, number> = {}
  for (const { what } of control.seen) calls[what] = (calls[what] ?? 0) + 1
  return {
    guests: control.guests().map((guest) => ({
      id: guest.id,
      name: guest.name,
      instanceUuid: guest.instanceUuid,
      powerState: guest.powerState,
      consolidationNeeded: guest.consolidationNeeded,
      disks: guest.disks.map(({ key, capacityBytes, top }) => ({
        key,
        capacityBytes,
        chain: top.chain.map(({ descriptor }) => descriptor),
      })),
      snapshots: guest.snapshots.map(({ id, name, quiesced }) => ({ id, name, quiesced })),
    })),
    datastores: control.datastores().map(({ name, kind, freeBytes, files }) => ({
      name,
      kind,
      freeBytes,
      files: [...files.keys()].toSorted(),
    })),
    tasks: control.tasks().map(({ id, name, state }) => ({ id, name, state })),
    sessions: control.sessions(),
    calls,
    bytesRead: Object.fromEntries(control.bytesRead),
  }
}

/** Why a command can't be carried out; empty when it can. */
function complaintsOf(control: VsphereControl, command: VsphereCommand): string[] {
  const guests = control.guests().flatMap(({ id, name, instanceUuid }) => [id, name, instanceUuid])
  const missing = (what: string, of: readonly string[], id: string | undefined): string[] =>
    id === undefined || of.includes(id) ? [] : [`there is no ${what} ${id}`]
  const hosts = control.entries('HostSystem').map(({ name }) => name)
  const { removeGuest, setGuest, write, failTask, removeSnapshot, addGuest } = command
  const { sizeMib = 64, writtenMib = 0 } = addGuest ?? {}
  return [
    ...missing('guest', guests, removeGuest),
    ...missing('guest', guests, setGuest?.guest),
    ...missing('guest', guests, write?.guest),
    ...missing('host', hosts, setGuest?.host),
    ...missing(
      'task',
      control.tasks().map(({ id }) => id),
      failTask?.id,
    ),
    ...missing(
      'snapshot',
      control.snapshots().map(({ id }) => id),
      removeSnapshot,
    ),
    ...(writtenMib > sizeMib ? [`a disk of ${sizeMib} MiB can't have ${writtenMib} MiB written`] : []),
    ...(write !== undefined && guests.includes(write.guest) ? writeComplaints(control, write) : []),
  ]
}

function writeComplaints(control: VsphereControl, { guest, disk = 0, offsetBytes, text }: Write): string[] {
  const found = control.guest(guest).disks[disk]
  if (found === undefined) return [`the guest ${guest} has no disk ${disk}`]
  return offsetBytes + Buffer.byteLength(text) > found.capacityBytes ? ['that is beyond the end of the disk'] : []
}

type Write = NonNullable<VsphereCommand['write']>

export function specOf(given: NonNullable<VsphereCommand['addGuest']>): GuestSpec {
  const { name, folder, state, sizeMib = 64, writtenMib = Math.min(8, sizeMib), tags, snapshots } = given
  const blocks = Array.from({ length: writtenMib * BLOCKS_IN_MIB }, (_none, index) => index)
  return {
    name,
    disks: [{ capacityBytes: sizeMib * MIB, content: seededContent(blocks, name.length) }],
    ...(folder === undefined ? {} : { folder }),
    ...(state === undefined ? {} : { powerState: state }),
    ...(tags === undefined ? {} : { tags }),
    ...(snapshots === undefined ? {} : { snapshots: snapshots.map((each) => ({ name: each })) }),
  }
}

function strike(control: VsphereControl, { of, fate, times }: NonNullable<VsphereCommand['nextAnswer']>): void {
  if (fate === 'page') control.answerPage(of, 200, times)
  else if (fate === 'unavailable') control.answerPage(of, 503, times)
  else if (fate === 'lost') control.loseAnswer(of, times)
  else if (fate === 'dropped') control.dropRequest(of, times)
  else if (fate === 'cut') control.cutAnswer(of, times)
  else if (fate === 'whole') control.answerWhole(of, times)
  else control.wrongContentRange(of, times)
}

function changeGuest(
  control: VsphereControl,
  { guest, host, ...change }: NonNullable<VsphereCommand['setGuest']>,
): void {
  const hostId = control.entries('HostSystem').find(({ name }) => name === host)?.id
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
  control.setGuest(guest, { ...given, ...(hostId === undefined ? {} : { hostId }) })
}

function applyGuests(control: VsphereControl, { addGuest, setGuest, removeGuest, write }: VsphereCommand): void {
  if (addGuest !== undefined) control.addGuest(specOf(addGuest))
  if (setGuest !== undefined) changeGuest(control, setGuest)
  if (write !== undefined) {
    const key = control.guest(write.guest).disks[write.disk ?? 0]?.key ?? 0
    control.write(write.guest, key, write.offsetBytes, Buffer.from(write.text))
  }
  if (removeGuest !== undefined) control.removeGuest(removeGuest)
}

function applyTasks(control: VsphereControl, command: VsphereCommand): void {
  const { holdTasks, failTask, quiesceFault, keepConsolidationNeeded } = command
  if (holdTasks === true) control.holdTasks()
  if (holdTasks === false) control.finishTasks()
  if (failTask !== undefined) control.failTask(failTask.id, { type: failTask.fault })
  if (quiesceFault !== undefined) control.settings.quiesceFault = quiesceFault ?? undefined
  if (keepConsolidationNeeded !== undefined) control.settings.keepConsolidationNeeded = keepConsolidationNeeded
}

/**
 * Carry out a command, all of it or nothing. Returns the state afterwards.
 * @throws Refused with a sentence when it names what isn't there
 */
export function carryOut(control: VsphereControl, command: VsphereCommand): Record<string, unknown> {
  const complaints = complaintsOf(control, command)
  if (complaints.length > 0) throw new Refused(`The lab can't do this: ${complaints.join('; ')}.`)
  const { clockOffsetSeconds, removeSnapshot, nextAnswer, refuse, endSessions, changeCertificate } = command
  if (clockOffsetSeconds !== undefined) control.setClockSkew(clockOffsetSeconds * 1000)
  applyGuests(control, command)
  applyTasks(control, command)
  if (removeSnapshot !== undefined) control.removeSnapshot(removeSnapshot)
  if (nextAnswer !== undefined) strike(control, nextAnswer)
  if (refuse !== undefined) control.refuse(refuse.of, { type: refuse.fault }, refuse.times)
  if (endSessions === true) control.endSessions()
  if (changeCertificate === true) control.changeCertificate()
  return stateOf(control)
}
