import { TargetUnwritable } from '../contracts/errors.ts'
import type { SshLogin } from '../contracts/route.ts'
import { mapPath } from '../ssh/map-path.ts'
import type { Target } from './writer.ts'

/** The paths of one target, as the account sees them. */
export interface Place {
  folder: string
  temporary: string
  final: string
}

const LONGEST_NAME_BYTES = 255
const PREFIX = 'guestlift-restore-'
const SUFFIX = '.partial'

/** The name that a file has until it is whole. No platform takes it for an archive. */
function temporaryName(token: string, name: string): string {
  return `${PREFIX}${token}-${name}${SUFFIX}`
}

/** Whose leftover a file is, by its name; `undefined` for any file that isn't ours. */
export function leftoverOf(fileName: string): { token: string; name: string } | undefined {
  const [, token, name] = /^guestlift-restore-([A-Za-z0-9]+)-(.+)\.partial$/s.exec(fileName) ?? []
  return token === undefined || name === undefined ? undefined : { token, name }
}

/**
 * The paths of a target. What names come from, such as a manifest, may have been written by anyone: nothing outside the
 * folder can be named.
 * @throws TargetUnwritable
 */
export function placeOf({ folder, name, token }: Omit<Target, 'sizeBytes'>, pathPrefix: SshLogin['pathPrefix']): Place {
  const inside = folderOf(folder, pathPrefix)
  const temporary = temporaryName(token, name)
  const strange =
    name === '' ||
    name === '.' ||
    name === '..' ||
    name.split('').some((sign) => sign === '/' || sign < ' ' || sign === '\x7f')
  if (strange || Buffer.byteLength(temporary) > LONGEST_NAME_BYTES) {
    throw new TargetUnwritable(
      `${JSON.stringify(name)} can't be the name of a file to restore. Check the manifest of the archive.`,
    )
  }
  if (!/^[A-Za-z0-9]{8,64}$/.test(token))
    throw new TargetUnwritable('The token of a restore has 8 to 64 letters and digits.')
  const at = (file: string): string => `${inside.replace(/\/+$/, '')}/${file}`
  return { folder: inside, temporary: at(temporary), final: at(name) }
}

/** Both names of a file that a restore may remove, since both bear its token. @throws TargetUnwritable */
export function ownNamesOf(target: Omit<Target, 'sizeBytes'>, pathPrefix: SshLogin['pathPrefix']): [string, string] {
  const { temporary, final } = placeOf(target, pathPrefix)
  if (target.name.includes(target.token)) return [temporary, final]
  throw new TargetUnwritable(
    `${final} was left as it is, since its name doesn't bear the restore's token ${target.token}. Remove it by hand if it is of that restore.`,
  )
}

/** A folder as the account sees it. @throws TargetUnwritable */
export function folderOf(folder: string, pathPrefix: SshLogin['pathPrefix']): string {
  if (!folder.startsWith('/') || folder.includes('\0') || folder.split('/').some((step) => step === '..')) {
    throw new TargetUnwritable(
      `${JSON.stringify(folder)} can't be the folder of a file to restore. Give its path from the root, without "..".`,
    )
  }
  return mapPath(folder, pathPrefix)
}
