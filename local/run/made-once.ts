import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { localProcessSchema } from '../../functions/contracts/process-identity.ts'
import { parseJson } from '../../functions/domain/words/parse-json.ts'
import { identifyProcess, isGone } from '../../functions/runtime/process-identity.ts'

/**
 * A folder that is made once and then only read. Processes that want the same folder wait for the first one's, in place
 * of each making its own.
 * @param make writes the whole folder into the path that it is given; when it throws, nothing is kept
 */
export async function madeOnce(target: string, make: (draft: string) => Promise<void>): Promise<string> {
  const there = (): boolean => existsSync(target)
  // Nothing is written then, not even a lock: the folder may be one that only others may write to.
  if (there()) return target
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
  const own = `${lock}.${process.pid}.${randomUUID()}`
  // The lock is linked, not written: whenever it is there, it says whose it is.
  await writeFile(own, JSON.stringify(identifyProcess() ?? { pid: process.pid }))
  try {
    while (!done()) {
      try {
        await link(own, lock)
        return () => rm(lock, { force: true })
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
        // Stopped in the middle, it left its lock. Taken from one who lives after all, no more is lost than time.
        if (isLeftBehind(await readFile(lock, 'utf8').catch(() => undefined))) await rm(lock, { force: true })
        else await delay(LOOK_AGAIN_MILLISECONDS)
      }
    }
    return async () => undefined
  } finally {
    await rm(own, { force: true })
  }
}

/** Whether the holder surely can't give it back. @param text of the lock; absent: it was given back meanwhile */
function isLeftBehind(text: string | undefined): boolean {
  if (text === undefined) return false
  const parsed = parseJson(text)
  const holder = localProcessSchema.safeParse(parsed).data
  if (holder === undefined) return !isAlive(parsed)
  const here = identifyProcess()
  return isGone(holder) || (holder.host === here?.host && holder.bootId !== here.bootId)
}

/** By its number alone, where the system tells no more. */
function isAlive(holder: unknown): boolean {
  const pid = typeof holder === 'object' && holder !== null && 'pid' in holder ? Number(holder.pid) : Number(holder)
  try {
    // Without a number it would mean this process's own group.
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
