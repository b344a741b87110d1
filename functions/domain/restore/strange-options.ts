import type { RestoreFinding } from '../../contracts/restore.ts'
import type { RestoreRequest } from '../../contracts/restore-request.ts'

/** What options are about, by the fields of the request. */
const WORDS: Partial<Record<keyof RestoreRequest, string>> = {
  id: 'an id',
  storage: 'a storage',
  deliveryStorage: 'a storage for a file',
  pool: 'a pool',
  bridges: 'bridges',
  limitKiBPerSecond: 'a limit for the platform',
  unique: 'new hardware addresses',
  replace: 'replacing a guest',
  start: 'starting the guest',
  template: 'a template',
  to: 'an image or volumes',
  kmsKey: 'a KMS key',
  datastore: 'a datastore',
  folder: 'a folder',
  resourcePool: 'a resource pool',
}

const OF_IMAGES: readonly (keyof RestoreRequest)[] = ['to', 'kmsKey']
const OF_DATASTORES: readonly (keyof RestoreRequest)[] = ['datastore', 'folder', 'resourcePool']

export type Held = 'file' | 'disks' | 'disks-of-guest'

/** Of `WORDS`, what such an archive can be asked for. */
const MEANT: Readonly<Record<Held, (field: keyof RestoreRequest) => boolean>> = {
  file: (field) => !OF_IMAGES.includes(field) && !OF_DATASTORES.includes(field),
  disks: (field) => OF_IMAGES.includes(field),
  'disks-of-guest': (field) => field === 'unique' || field === 'start' || OF_DATASTORES.includes(field),
}

const INTO: Readonly<Record<Held, string>> = {
  file: 'is a file that the platform makes a guest of',
  disks: 'holds whole disks, of which an image or volumes are made',
  'disks-of-guest': 'holds whole disks, which become files of a datastore',
}

/** Options that mean nothing for such an archive: whoever gave them expects something else. */
export function strangeOptions(request: RestoreRequest, holds: Held): RestoreFinding[] {
  const strange = Object.keys(WORDS).filter((name) => {
    const field = name as keyof RestoreRequest
    const value = request[field]
    return value !== undefined && value !== false && !MEANT[holds](field)
  })
  if (strange.length === 0) return []
  const words = strange.map((name) => WORDS[name as keyof RestoreRequest]).join(', ')
  const message = `The archive ${INTO[holds]}: ${words} can't be asked for. Leave it out.`
  return [{ name: 'option-unfit', level: 'refusal', message }]
}
