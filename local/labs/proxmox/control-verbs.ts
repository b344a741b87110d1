/** What a bad night is made of. In-process tests and the control address share these verbs. */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { clusterOf, type Shown } from './cluster.ts'
import { Refused } from '../shared/control-server.ts'
import { clockComplaint, type ControlCommand } from './control-command.ts'
import { type ControlState, stateOf } from './control-state.ts'
import { guestFrom, type GuestSpec } from './default-site.ts'
import { fingerprintOf } from '../shared/certificate.ts'
import type { NextAnswer } from './faults.ts'
import { newIdentity } from './identity.ts'
import { createDirectories } from './storage-files.ts'
import { findGuest, findNode, findStorage, type LabGuest, type Shortcoming, unixSeconds, type World } from './world.ts'

export interface ControlVerbs {
  /** The site's clock less this machine's, in whole seconds; may be negative by years. */
  setClockOffset(seconds: number): void
  /** @throws Error when there is a guest of this id, or no such node */
  addGuest(spec: GuestSpec): LabGuest
  /** The same id and kind, given to a new guest: other identity, other data, no lock. */
  recreateGuest(vmid: number, name?: string): LabGuest
  renameGuest(vmid: number, name: string): void
  setShortcomings(vmid: number, of: readonly Shortcoming[]): void
  nextAnswer(asked: NextAnswer): void
  /** Another cluster behind the same address. What the handshake shows stays. */
  setCluster(id: string): void
  /** `cluster`: that of the cluster's own authority; `first`: the one that the lab started with. */
  presentCertificate(whose: 'cluster' | 'first'): void
  /** The node with its guests and storages; its earlier tasks stay under the old name and are seen no more. */
  renameNode(from: string, to: string): void
  /** Exactly these guests are seen by root@pam alone from now on. */
  hideGuests(vmids: readonly number[]): void
  state(): ControlState
  /**
   * Carry out a command, all of it or nothing. Returns the state afterwards.
   * @throws Refused with a sentence when it names what isn't there, or is there already
   */
  apply(command: ControlCommand): ControlState
}

/** Verbs that were there before, which a command uses too. */
export interface OlderVerbs {
  removeGuest(vmid: number): void
  lockGuest(vmid: number, lock?: string): void
  storage(id: string, change: { type?: string; disabled?: boolean }): unknown
  fillStorage(id: string, freeBytes?: number): void
}

const MIB = 1024 ** 2
const VM_BLOCK_BYTES = 65_536

/** Data of another guest than any before: its bytes follow from the seed. */
const seedOf = (world: World, vmid: number): number => vmid + 1000 * ((world.site.identitiesGiven ?? 0) + 1)

function specOf(world: World, given: NonNullable<ControlCommand['addGuest']>): GuestSpec {
  const { id: vmid, kind, name, node, status, sizeBytes = 16 * MIB } = given
  return {
    vmid,
    name,
    seed: seedOf(world, vmid),
    ...(node === undefined ? {} : { node }),
    ...(status === undefined ? {} : { status }),
    ...(kind === 'container'
      ? { kind: 'lxc', dataBytes: sizeBytes }
      : { kind: 'qemu', diskBytes: Math.ceil(sizeBytes / VM_BLOCK_BYTES) * VM_BLOCK_BYTES }),
  }
}

/** Why a command can't be carried out; empty when it can. */
function complaintsOf(world: World, command: ControlCommand, clock: { shiftMs: number }): string[] {
  const missing = (id: number | undefined): string[] =>
    id === undefined || findGuest(world, id) !== undefined ? [] : [`there is no guest ${id}`]
  const noNode = (name: string | undefined): string[] =>
    name === undefined || findNode(world, name) !== undefined ? [] : [`there is no node ${name}`]
  const { addGuest, renameNode, storage, clockOffsetSeconds } = command
  const clockSays =
    clockOffsetSeconds === undefined ? undefined : clockComplaint(world.now() - clock.shiftMs, clockOffsetSeconds)
  return [
    ...(clockSays === undefined ? [] : [clockSays]),
    ...(addGuest !== undefined && findGuest(world, addGuest.id) !== undefined
      ? [`there is a guest ${addGuest.id} already (recreateGuest gives its id to another)`]
      : []),
    ...noNode(addGuest?.node),
    ...missing(command.recreateGuest?.id),
    ...missing(command.renameGuest?.id),
    ...missing(command.shortcomings?.id),
    ...missing(command.removeGuest),
    ...missing(command.lockGuest?.id),
    ...(storage !== undefined && findStorage(world, storage.name) === undefined
      ? [`there is no storage ${storage.name}`]
      : []),
    ...noNode(renameNode?.from),
    ...(renameNode !== undefined && findNode(world, renameNode.to) !== undefined
      ? [`there is a node ${renameNode.to} already`]
      : []),
  ]
}

export function createVerbs(world: World, clock: { shiftMs: number }, shown: Shown, older: OlderVerbs): ControlVerbs {
  const { site } = world
  const guestOf = (vmid: number): LabGuest => {
    const guest = findGuest(world, vmid)
    if (guest === undefined) throw new Refused(`The lab has no guest ${vmid}.`)
    return guest
  }
  const verbs: ControlVerbs = {
    setClockOffset: (seconds) => {
      clock.shiftMs = seconds * 1000
      site.clockOffsetSeconds = seconds
      world.save()
    },
    addGuest: (spec) => {
      if (findGuest(world, spec.vmid) !== undefined) throw new Refused(`The lab has a guest ${spec.vmid} already.`)
      const identity = newIdentity(site, spec.kind, unixSeconds(world))
      const guest = guestFrom({ identity, ...spec }, site.nodes[0]?.name ?? '')
      site.guests.push(guest)
      world.save()
      return guest
    },
    recreateGuest: (vmid, name) => {
      const old = guestOf(vmid)
      const { lock: _lock, haState: _state, replication: _jobs, ...same } = old
      const seed = seedOf(world, vmid)
      const identity = newIdentity(site, old.kind, unixSeconds(world))
      const guest: LabGuest = { ...same, name: name ?? old.name, seed, identity }
      site.guests.splice(site.guests.indexOf(old), 1, guest)
      world.save()
      return guest
    },
    renameGuest: (vmid, name) => {
      guestOf(vmid).name = name
      world.save()
    },
    setShortcomings: (vmid, of) => {
      guestOf(vmid).shortcomings = [...new Set(of)]
      world.save()
    },
    nextAnswer: (asked) => world.faults.onNextAnswer(asked),
    setCluster: (id) => {
      site.cluster = id === shown.home.id ? shown.home : clusterOf(id)
      world.save()
    },
    presentCertificate: (whose) => (whose === 'first' ? shown.showFirst() : shown.showOf(world.cluster().id)),
    renameNode: (from, to) => {
      const node = findNode(world, from)
      if (node === undefined) throw new Refused(`The lab has no node ${from}.`)
      node.name = to
      for (const guest of site.guests) if (guest.node === from) guest.node = to
      for (const storage of site.storages) {
        if (storage.nodes !== undefined) storage.nodes = storage.nodes.map((each) => (each === from ? to : each))
      }
      const directory = (name: string): string => join(world.directory, 'storage', name)
      if (existsSync(directory(from))) renameSync(directory(from), directory(to))
      createDirectories(world)
      world.save()
    },
    hideGuests: (vmids) => {
      site.hidden = [...new Set(vmids)]
      world.save()
    },
    state: () => stateOf(world, Math.round(clock.shiftMs / 1000), fingerprintOf(shown.identity.cert)),
    apply: (command) => {
      const complaints = complaintsOf(world, command, clock)
      if (complaints.length > 0) throw new Refused(`The lab can't do this: ${complaints.join('; ')}.`)
      carryOut(world, command, verbs, older)
      return verbs.state()
    },
  }
  return verbs
}

function carryOut(world: World, command: ControlCommand, verbs: ControlVerbs, older: OlderVerbs): void {
  const { clockOffsetSeconds, addGuest, recreateGuest, renameGuest, removeGuest, lockGuest, storage } = command
  if (clockOffsetSeconds !== undefined) verbs.setClockOffset(clockOffsetSeconds)
  if (addGuest !== undefined) verbs.addGuest(specOf(world, addGuest))
  if (recreateGuest !== undefined) verbs.recreateGuest(recreateGuest.id, recreateGuest.name)
  if (renameGuest !== undefined) verbs.renameGuest(renameGuest.id, renameGuest.name)
  if (command.shortcomings !== undefined) verbs.setShortcomings(command.shortcomings.id, command.shortcomings.of)
  if (lockGuest !== undefined) older.lockGuest(lockGuest.id, lockGuest.lock ?? undefined)
  if (removeGuest !== undefined) older.removeGuest(removeGuest)
  if (storage !== undefined) {
    const { name, freeBytes, enabled, type } = storage
    older.storage(name, {
      ...(type === undefined ? {} : { type }),
      ...(enabled === undefined ? {} : { disabled: !enabled }),
    })
    if (freeBytes !== undefined) older.fillStorage(name, freeBytes)
  }
  const { nextAnswer, clusterId, certificate, renameNode, hidden } = command
  if (nextAnswer !== undefined) verbs.nextAnswer(nextAnswer)
  if (clusterId !== undefined) verbs.setCluster(clusterId)
  if (certificate !== undefined) verbs.presentCertificate(certificate)
  if (renameNode !== undefined) verbs.renameNode(renameNode.from, renameNode.to)
  if (hidden !== undefined) verbs.hideGuests(hidden)
}
