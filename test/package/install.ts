import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { npm } from './run.ts'

/** Installs packages into an empty folder. */
export async function install(folder: string, name: string, packages: readonly string[]): Promise<string> {
  const own = join(folder, name)
  await mkdir(own, { recursive: true })
  await writeFile(join(own, 'package.json'), JSON.stringify({ private: true }))
  await npm(own, 'install', ...packages)
  return own
}

const known = new Map<string, Promise<string>>()

/** Path of the newest Node.js of a major that the npm package `node` brings; of this process's own major, its own. */
export function nodeOfMajor(folder: string, major: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return Promise.resolve(process.execPath)
  const found =
    known.get(major) ??
    install(folder, `node-${major}`, [`node@${major}`]).then((own) => join(own, 'node_modules', 'node', 'bin', 'node'))
  known.set(major, found)
  return found
}
