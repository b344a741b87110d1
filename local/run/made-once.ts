import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * A folder that is made once and then only read. Processes that want the same folder wait for the first one's, in place
 * of each making its own.
 * @param make writes the whole folder into the path that it is given; when it throws, nothing is kept
 */
export async function madeOnce(target: string, make: (draft: string) => Promise<void>): Promise<string> {
  const there = (): boolean => existsSync(target)
  const giveBack = await takeTurn(`${target}.lock`, there)
  try {
    if (!there()) await makeInto(target, make)
    return target
  } finally {
    await giveBack()
  }
}

async function makeInto(target: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${target}.${process.pid}`
  try {
    await make(draft)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  // After a stale lock two may make it at once; the later one finds the folder there and uses it.
  await rename(draft, target).catch(() => rm(draft, { recursive: true, force: true }))
}

const LOOK_AGAIN_MILLISECONDS = 250

/** Returns what gives the turn back. */
async function takeTurn(lock: string, done: () => boolean): Promise<() => Promise<void>> {
  await mkdir(dirname(lock), { recursive: true })
  while (!done()) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' })
      return () => rm(lock, { force: true })
    } catch {
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''))
      // Stopped in the middle, by Ctrl-C for one, it left its lock.
      if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true })
      else await delay(LOOK_AGAIN_MILLISECONDS)
    }
  }
  return async () => undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
