import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guestlift } from '../command-line.ts'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'guestlift-config-'))
})
afterEach(() => rm(cwd, { recursive: true }))

const env = { GUESTLIFT_SITE: 'hq' }
const write = (text: string) => writeFile(join(cwd, 'guestlift.json'), text)

describe('guestlift config', () => {
  it('shows what holds, and what says it', async () => {
    await write('{"bucket":"archives"}')
    const { code, out } = await guestlift(['config'], { cwd, env })
    expect(out).toMatch(/^bucket +archives +\S*guestlift\.json$/m)
    expect(out).toMatch(/^site +hq +the variable GUESTLIFT_SITE$/m)
    expect(out).toMatch(/^s3 +- +not set: GUESTLIFT_S3/m)
    expect(code).toBe(0)
  })

  it('prints it as JSON', async () => {
    await write('{"bucket":"archives"}')
    const { out } = await guestlift(['config', '--json'], { cwd, env })
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      file: expect.stringMatching(/guestlift\.json$/),
      settings: { bucket: { value: 'archives', from: 'file' }, site: { value: 'hq', from: 'environment' } },
    })
  })
})

describe('a settings file that can not be used', () => {
  it('stops a command with place, cause and fix', async () => {
    await write('{"bukcet":"archives"}')
    const { code, error } = await guestlift(['list'], { cwd, env })
    expect(error).toMatch(/guestlift\.json:1:2: "bukcet" is not known here\. Did you mean "bucket"\?/)
    expect(code).toBe(64)
  })

  it('stops no help', async () => {
    await write('{')
    expect(await guestlift(['list', '--help'], { cwd, env })).toMatchObject({ code: 0, error: '' })
  })
})

describe('settings of a command', () => {
  it('take the place of what is required', async () => {
    await write('{"bucket":"archives","s3":"http://127.0.0.1:9"}')
    const { code, error } = await guestlift(['list', '--bucket', ''], { cwd, env })
    expect(code).not.toBe(0)
    expect(error).not.toMatch(/required option/)
    const bare = await guestlift(['list'], { cwd: tmpdir(), env: {} })
    expect(bare).toMatchObject({ code: 64, error: expect.stringMatching(/required option '--bucket/) })
  })
})
