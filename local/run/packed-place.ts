/** Stands in for `assembly.ts` in the installed package, which brings what that one makes and writes nothing into its folder. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder, stateFolder as ownState } from '../../bin/own-folders.js'

/** From the file that this becomes a part of, in `dist/cli`. */
const root = fileURLToPath(new URL('../../', import.meta.url))

export const launcher = join(root, 'bin', 'guestlift.js')
export const functionProcess = join(root, 'dist', 'cli', 'function-process.js')
export const stateFolder = ownState()
export const compileCache = join(cacheFolder(), 'compile-cache')

/** The synthesised app of the package. */
export function synthesise(): Promise<string> {
  return Promise.resolve(join(root, 'dist', 'assembly'))
}
