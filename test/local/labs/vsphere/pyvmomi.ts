/** VMware's own Python client, where it is installed. */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

const quiet = ['-W', 'ignore']
const has = (python: string): boolean => spawnSync(python, [...quiet, '-c', 'import pyVmomi']).status === 0

/** The Python that has it. Debian: `apt-get install python3-pyvmomi`. */
export const python = ['python3', '/usr/bin/python3'].find(has)

/** What a script of test/tools saw. */
export async function judged(script: string, url: string, ...words: string[]): Promise<Record<string, unknown>> {
  const path = fileURLToPath(new URL(`../../../tools/${script}`, import.meta.url))
  const { stdout } = await promisify(execFile)(python ?? '', [...quiet, path, new URL(url).port, ...words])
  return JSON.parse(stdout) as Record<string, unknown>
}
