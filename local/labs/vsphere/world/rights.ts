/** Who may do what: the permission nearest above an object counts, as on a vCenter. */
import { noPermission } from '../wire/faults.ts'
import { ref } from '../wire/values.ts'
import { inventoryPath } from './paths.ts'
import type { Entry, User, World } from './world.ts'

export const PRIVILEGES = [
  'System.Anonymous',
  'System.Read',
  'System.View',
  'Datastore.AllocateSpace',
  'Datastore.Browse',
  'Datastore.DeleteFile',
  'Datastore.FileManagement',
  'Global.CancelTask',
  'Network.Assign',
  'Resource.AssignVMToPool',
  'Sessions.ValidateSession',
  'VirtualMachine.Config.Annotation',
  'VirtualMachine.Config.ChangeTracking',
  'VirtualMachine.Config.EditDevice',
  'VirtualMachine.Config.Rename',
  'VirtualMachine.Interact.PowerOff',
  'VirtualMachine.Interact.PowerOn',
  'VirtualMachine.Interact.Reset',
  'VirtualMachine.Inventory.CreateFromExisting',
  'VirtualMachine.Inventory.Delete',
  'VirtualMachine.Inventory.Register',
  'VirtualMachine.Inventory.Unregister',
  'VirtualMachine.Provisioning.Clone',
  'VirtualMachine.Provisioning.DeployTemplate',
  'VirtualMachine.Provisioning.DiskRandomRead',
  'VirtualMachine.Provisioning.GetVmFiles',
  'VirtualMachine.State.CreateSnapshot',
  'VirtualMachine.State.RemoveSnapshot',
] as const

/** What a user holds on an object. Whoever may anything may see it. */
export function privilegesOn(world: World, user: User, entry: Entry): readonly string[] {
  for (
    let each: Entry | undefined = entry;
    each !== undefined;
    each = each.parent === undefined ? undefined : world.entries.get(each.parent)
  ) {
    const path = inventoryPath(world, each)
    const permission = user.permissions.find(({ on }) => on === path)
    if (permission === undefined) continue
    return permission.privileges === 'all'
      ? PRIVILEGES
      : ['System.Anonymous', 'System.Read', 'System.View', ...permission.privileges]
  }
  return []
}

export const mayDo = (world: World, user: User, entry: Entry, privilege: string): boolean =>
  privilegesOn(world, user, entry).includes(privilege)

/** @throws VimFault NoPermission */
export function demand(world: World, user: User, entry: Entry, privilege: string): void {
  if (!mayDo(world, user, entry, privilege)) throw noPermission(ref(entry.type, entry.id), privilege)
}
