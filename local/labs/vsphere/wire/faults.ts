/** The faults of vim25 that the lab answers with, and the texts that a vCenter gives them. */
import { derived, enumeration, type Reference, ref, string, type Structure, structure, type Value } from './values.ts'

type Fields = Record<string, Value | undefined>

/** Answered as HTTP 500 by a call, or kept as the error of a task. */
export class VimFault extends Error {
  readonly type: string
  readonly fields: Fields

  constructor(type: string, message: string, fields: Fields = {}) {
    super(message)
    this.type = type
    this.fields = fields
  }
}

/** As it stands in a task's `error` or in a `missingSet`. */
export function localized({ type, fields, message }: VimFault): Structure {
  return structure('LocalizedMethodFault', {
    fault: derived(type, fields),
    localizedMessage: message === '' ? undefined : string(message),
  })
}

export const invalidRequest = (message: string): VimFault => new VimFault('InvalidRequest', message)
export const invalidLogin = (): VimFault =>
  new VimFault('InvalidLogin', 'Cannot complete login due to an incorrect user name or password.')
export const notAuthenticated = (object: Reference, privilegeId = 'System.View'): VimFault =>
  new VimFault('NotAuthenticated', 'The session is not authenticated.', { object, privilegeId: string(privilegeId) })
export const noPermission = (object: Reference, privilegeId: string): VimFault =>
  new VimFault('NoPermission', 'Permission to perform this operation was denied.', {
    object,
    privilegeId: string(privilegeId),
  })
export const objectNotFound = (obj: Reference): VimFault =>
  new VimFault(
    'ManagedObjectNotFound',
    `The object '${obj.type}:${obj.id}' has already been deleted or has not been completely created`,
    { obj },
  )
export const methodNotFound = (receiver: Reference, method: string): VimFault =>
  new VimFault('MethodNotFound', `${receiver.type}:${receiver.id} does not implement: ${method}`, {
    receiver,
    method: string(method),
  })
export const invalidProperty = (name: string): VimFault => new VimFault('InvalidProperty', '', { name: string(name) })
export const invalidArgument = (invalidProperty: string): VimFault =>
  new VimFault('InvalidArgument', `A specified parameter was not correct: ${invalidProperty}`, {
    invalidProperty: string(invalidProperty),
  })
export const invalidState = (message = 'The operation is not allowed in the current state.'): VimFault =>
  new VimFault('InvalidState', message)
export const invalidPowerState = (requested: string, existing: string): VimFault =>
  new VimFault(
    'InvalidPowerState',
    `The attempted operation cannot be performed in the current state (${existing === 'poweredOn' ? 'Powered on' : 'Powered off'}).`,
    {
      requestedState: enumeration('VirtualMachinePowerState', requested),
      existingState: enumeration('VirtualMachinePowerState', existing),
    },
  )
export const taskInProgress = (taskId: string): VimFault =>
  new VimFault('TaskInProgress', 'Another task is already in progress.', { task: ref('Task', taskId) })
export const duplicateName = (name: string, object: Reference): VimFault =>
  new VimFault('DuplicateName', `The name '${name}' already exists.`, { name: string(name), object })
export const fileNotFound = (file: string): VimFault =>
  new VimFault('FileNotFound', `File ${file} was not found`, { file: string(file) })
export const fileAlreadyExists = (file: string): VimFault =>
  new VimFault('FileAlreadyExists', `The specified file or folder already exists: ${file}`, { file: string(file) })
export const fileLocked = (file: string): VimFault =>
  new VimFault('FileLocked', `Unable to access file ${file} since it is locked`, { file: string(file) })
export const invalidDatastorePath = (path: string): VimFault =>
  new VimFault('InvalidDatastorePath', `Invalid datastore path '${path}'.`, { datastorePath: string(path) })
export const notSupported = (): VimFault =>
  new VimFault('NotSupported', 'The operation is not supported on the object.')
export const noDiskSpace = (datastore: string): VimFault =>
  new VimFault('NoDiskSpace', `Insufficient disk space on datastore '${datastore}'.`, {
    file: string(`[${datastore}]`),
    datastore: string(datastore),
  })
export const invalidPath = (): VimFault =>
  new VimFault('NotFound', 'The object or item referred to could not be found.')
export const alreadyExists = (name: string): VimFault =>
  new VimFault('AlreadyExists', `The specified key, name, or identifier '${name}' already exists.`, {
    name: string(name),
  })
export const tooManySnapshotLevels = (): VimFault =>
  new VimFault('TooManySnapshotLevels', 'The maximum number of snapshot levels is exceeded.')
