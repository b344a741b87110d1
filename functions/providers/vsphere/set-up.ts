/** What a person does on a vCenter before Guestlift may archive its guests: as docs/vsphere.md has it, and a test compares. */
import { CLONE_RIGHTS, DATASTORE_RIGHTS, GUEST_RIGHTS, RESTORE_RIGHTS } from './rights.ts'

/** In every role of vSphere. */
const ALWAYS = ['System.Anonymous', 'System.View', 'System.Read']

/** The rights of the role that backs up. */
export function backupRights(withClones: boolean): string[] {
  return [
    ...ALWAYS,
    'Sessions.ValidateSession',
    ...DATASTORE_RIGHTS,
    ...GUEST_RIGHTS,
    ...(withClones ? [...CLONE_RIGHTS, 'Network.Assign'] : []),
  ]
}

/** The rights of the role that brings guests back. It starts them only with the last. */
export function restoreRights(withStart: boolean): string[] {
  const { datastore, folder, pool } = RESTORE_RIGHTS
  return [
    ...ALWAYS,
    'Sessions.ValidateSession',
    ...datastore,
    ...folder,
    ...pool,
    ...(withStart ? ['VirtualMachine.Interact.PowerOn'] : []),
  ]
}

export const vsphereSetUp = {
  usualRole: 'guestlift',
  /** Makes the role and gives it to the account, with VMware's own command line (govc). */
  roleCommands: (role: string, account: string, withClones: boolean): string[] =>
    commandsOf(role, account, backupRights(withClones)),
  usualRestoreRole: 'guestlift-restore',
  usualRestoreAccount: 'guestlift-restore@vsphere.local',
  /** The same for the account that brings guests back. */
  restoreRoleCommands: (role: string, account: string): string[] => commandsOf(role, account, restoreRights(true)),
  /** There is no read-only right for files of a datastore. */
  warning:
    'Datastore.FileManagement, without which no file of a datastore can be read, also lets the account delete files there. ' +
    'Give the role only on the datastores of guests that are to be archived.',
}

function commandsOf(role: string, account: string, rights: readonly string[]): string[] {
  return [
    `govc role.create ${role} ${rights.filter((right) => !ALWAYS.includes(right)).join(' ')}`,
    `govc permissions.set -principal '${account}' -role ${role} -propagate=true /`,
  ]
}
