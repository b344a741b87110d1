import type { RestoreFinding } from '../../contracts/restore.ts'
import type { RestoreRequest } from '../../contracts/restore-request.ts'

/** What can only be said of the one or the other, by the fields of the request, with what it is about. */
const OF_FILES: Partial<Record<keyof RestoreRequest, string>> = {
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
}
const OF_DISKS: Partial<Record<keyof RestoreRequest, string>> = {
  to: 'an image or volumes',
  kmsKey: 'a KMS key',
}

/** Options that mean nothing for such an archive: whoever gave them expects something else. */
export function strangeOptions(request: RestoreRequest, holds: 'file' | 'disks'): RestoreFinding[] {
  const strange = Object.entries(holds === 'disks' ? OF_FILES : OF_DISKS).filter(([field]) => {
    const value = request[field as keyof RestoreRequest]
    return value !== undefined && value !== false
  })
  if (strange.length === 0) return []
  const words = strange.map(([, what]) => what).join(', ')
  const message =
    holds === 'disks'
      ? `The archive holds whole disks, of which an image or volumes are made: ${words} can't be asked for. Leave it out.`
      : `The archive is a file that the platform makes a guest of: ${words} can't be asked for. Leave it out.`
  return [{ name: 'option-unfit', level: 'refusal', message }]
}
