/** Stands in for `bundled-handler.ts` in the installed package, whose functions are bundled already. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda'
import { z } from 'zod'

/** Beside the file that this becomes a part of. `local/package/build.ts` writes it. */
const assembly = new URL('../assembly/', import.meta.url)
const foldersSchema = z.record(z.string(), z.string())
let folders: Record<string, string> | undefined

/** The code of one function, as `bundled-handler.ts` would make it. */
export function bundledHandler(stem: string, registry?: string): AssetCode {
  if (registry !== undefined) throw new Error('The installed package serves its own platforms only.')
  folders ??= foldersSchema.parse(JSON.parse(readFileSync(new URL('functions.json', assembly), 'utf8')))
  const folder = folders[stem]
  if (folder === undefined) throw new Error(`The package has no function ${stem}. Install it again.`)
  return Code.fromAsset(fileURLToPath(new URL(folder, assembly)))
}
