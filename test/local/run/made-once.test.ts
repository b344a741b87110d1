import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { madeOnce } from '../../../local/run/made-once.ts'
import { identifyProcess } from '../../../functions/runtime/process-identity.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestlift-once-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const write = (text: string) => async (draft: string) => {
  await mkdir(draft)
  await writeFile(join(draft, 'text'), text)
}

describe('a folder that is made once', () => {
  it('is made by one of those that want it at once, and read by all', async () => {
    const target = join(folder, 'deep', 'target')
    const makers: string[] = []
    const wanted = ['one', 'two', 'three'].map((text) =>
      madeOnce(target, async (draft) => {
        makers.push(text)
        await write(text)(draft)
      }),
    )
    expect(await Promise.all(wanted)).toEqual([target, target, target])
    expect(makers).toEqual([readFileSync(join(target, 'text'), 'utf8')])
    expect(readdirSync(join(folder, 'deep'))).toEqual(['target'])
  })

  it('is not there before it is whole, nor after its making failed', async () => {
    const target = join(folder, 'target')
    const failing = madeOnce(target, async (draft) => {
      await write('half')(draft)
      expect(existsSync(target)).toBe(false)
      throw new Error('the disk is full')
    })
    await expect(failing).rejects.toThrow('the disk is full')
    expect(readdirSync(folder)).toEqual([])
    await madeOnce(target, write('whole'))
    expect(readFileSync(join(target, 'text'), 'utf8')).toBe('whole')
  })

  it('is used as it is, and nothing is written beside it, once it is there', async () => {
    const target = join(folder, 'target')
    await madeOnce(target, write('whole'))
    const { mtimeMs } = statSync(folder)
    await madeOnce(target, write('other'))
    expect(statSync(folder).mtimeMs).toBe(mtimeMs)
    expect(readFileSync(join(target, 'text'), 'utf8')).toBe('whole')
  })

  it.each([
    ['was killed', () => JSON.stringify({ ...identifyProcess(), pid: spawnSync('true').pid })],
    ['was killed, and its number is another one’s', () => JSON.stringify({ ...identifyProcess(), startTicks: 1 })],
    ['ran before the machine started again', () => JSON.stringify({ ...identifyProcess(), bootId: 'an earlier one' })],
    ['was killed, and left its number alone', () => String(spawnSync('true').pid)],
    ['was killed before it wrote anything', () => ''],
  ])('is made although a process that was making it %s', async (_, lock) => {
    const target = join(folder, 'target')
    await writeFile(`${target}.lock`, lock())
    await madeOnce(target, write('whole'))
    expect(readdirSync(folder)).toEqual(['target'])
  })

  it('is waited for while the process that makes it lives', async () => {
    const target = join(folder, 'target')
    const begun = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const first = madeOnce(target, async (draft) => {
      begun.resolve()
      await mayEnd.promise
      await write('first')(draft)
    })
    await begun.promise
    const second = madeOnce(target, write('second'))
    mayEnd.resolve()
    await Promise.all([first, second])
    expect(readFileSync(join(target, 'text'), 'utf8')).toBe('first')
  })
})
