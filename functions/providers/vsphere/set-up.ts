/** What a person does on a vCenter before Guestlift may archive its guests: as docs/vsphere.md has it, and a test compares. */
import { CLONE_RIGHTS, DATASTORE_RIGHTS, GUEST_RIGHTS } from './rights.ts'

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

export const vsphereSetUp = {
  usualRole: 'guestlift',
  /** Makes the role and gives it to the account, with VMware's own command line (govc). */
  roleCommands: (role: string, account: string, withClones: boolean): string[] => [
    `govc role.create ${role} ${backupRights(withClones)
      .filter((right) => !ALWAYS.includes(right))
      .join(' ')}`,
    `govc permissions.set -principal '${account}' -role ${role} -propagate=true /`,
  ],
  /** There is no read-only right for files of a datastore. */
  warning:
    'Datastore.FileManagement, without which no file of a datastore can be read, also lets the account delete files there. ' +
    'Give the role only on the datastores of guests that are to be archived.',
}
