import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { madeOnce } from '../../../local/run/made-once.ts'

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

  it('is made although a process that was making it was killed', async () => {
    const target = join(folder, 'target')
    const { pid } = spawnSync('true')
    await writeFile(`${target}.lock`, String(pid))
    await madeOnce(target, write('whole'))
    expect(readdirSync(folder)).toEqual(['target'])
  })
})
