import { existsSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface DraftFile {
  name: string
  text: string
  /** For the owner's eyes alone. */
  isSecret: boolean
}

/** Those that are there already. */
export function taken(folder: string, names: readonly string[]): string[] {
  return names.filter((name) => existsSync(join(folder, name)))
}

/** Write them all: each is whole under a name of its own before the first one gets its name. */
export async function writeFiles(folder: string, files: readonly DraftFile[], token: string): Promise<void> {
  const drafts = files.map((file) => ({ ...file, draft: join(folder, `.${file.name}.${token}`) }))
  try {
    for (const { draft, text, isSecret } of drafts) {
      await writeFile(draft, text, { mode: isSecret ? 0o600 : 0o644, flag: 'wx' })
    }
    for (const { draft, name } of drafts) await rename(draft, join(folder, name))
  } finally {
    await Promise.all(drafts.map(({ draft }) => rm(draft, { force: true })))
  }
}
