/** Keeps every finished dump from the moment it appears, whatever becomes of it: a hard link, so its bytes stay. */
import { createHash } from 'node:crypto'
import { createReadStream, linkSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Dump } from './record.ts'

const LOOK_MILLISECONDS = 25

export class Oracle {
  readonly #folder: string
  readonly #list: () => { file: string; path: string }[]
  readonly #seen = new Set<string>()
  readonly #timer: NodeJS.Timeout

  constructor(folder: string, list: () => { file: string; path: string }[]) {
    this.#folder = folder
    this.#list = list
    mkdirSync(folder)
    this.#timer = setInterval(() => this.look(), LOOK_MILLISECONDS)
  }

  look(): void {
    for (const { file, path } of this.#list()) {
      if (this.#seen.has(file)) continue
      try {
        linkSync(path, join(this.#folder, file))
        this.#seen.add(file)
      } catch {
        // Gone between the list and the link: its name is looked for again.
      }
    }
  }

  async close(): Promise<Dump[]> {
    clearInterval(this.#timer)
    return Promise.all(
      readdirSync(this.#folder).map(async (fileName) => {
        const path = join(this.#folder, fileName)
        return { fileName, sizeBytes: statSync(path).size, sha256: await sha256Of(path) }
      }),
    )
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
