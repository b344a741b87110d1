import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSettings } from '../../../local/settings/settings.ts'

let top: string
let inner: string
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'guestlift-settings-'))
  inner = join(top, 'a/b')
  await mkdir(inner, { recursive: true })
})
afterEach(() => rm(top, { recursive: true }))

const read = (env: Record<string, string> = {}) => readSettings(inner, env, (message) => new Error(message))

describe('settings', () => {
  it('are found in a file upwards, whose paths are relative to it', async () => {
    const file = join(top, 'guestlift.yaml')
    await writeFile(file, 'bucket: my-archives\nsiteFile: sites/hq.json\n')
    expect(await read()).toEqual({
      file,
      held: {
        bucket: { value: 'my-archives', from: 'file', source: file },
        siteFile: { value: join(top, 'sites/hq.json'), from: 'file', source: file },
      },
      notes: [],
    })
  })

  it('are of the nearest file alone', async () => {
    await writeFile(join(top, 'guestlift.json'), '{"bucket":"far-away","site":"hq"}')
    await writeFile(join(top, 'a/guestlift.jsonc'), '{"bucket":"near-by"} // mine')
    expect((await read()).held).toMatchObject({ bucket: { value: 'near-by' } })
    expect((await read()).held.site).toBeUndefined()
  })

  it('are of the environment before the file, and an empty variable says nothing', async () => {
    await writeFile(join(inner, 'guestlift.json'), '{"bucket":"of-the-file","s3":"http://127.0.0.1:9000"}')
    const { held } = await read({
      GUESTLIFT_BUCKET: 'of-the-variable',
      GUESTLIFT_S3: '',
      GUESTLIFT_SITE_FILE: 'x.json',
    })
    expect(held).toEqual({
      bucket: { value: 'of-the-variable', from: 'environment', source: 'GUESTLIFT_BUCKET', insteadOf: 'of-the-file' },
      s3: { value: 'http://127.0.0.1:9000', from: 'file', source: join(inner, 'guestlift.json') },
      siteFile: { value: 'x.json', from: 'environment', source: 'GUESTLIFT_SITE_FILE' },
    })
  })

  it('are none without a file and a variable', async () => {
    expect(await read()).toEqual({ held: {}, notes: [] })
  })

  it.each([
    ['{"bukcet":"b"}', /guestlift\.json:1:2: "bukcet" is not known here\. Did you mean "bucket"\?/],
    ['{"bucket":"My Bucket"}', /guestlift\.json:1:11: bucket: a bucket has 3 to 63/],
    ['{"s3":"minio:9000"}', /s3: an endpoint is a URL/],
    ['{', /guestlift\.json is not valid JSON/],
  ])('refuse %s and name the place', async (text, says) => {
    await writeFile(join(top, 'guestlift.json'), text)
    await expect(read()).rejects.toThrow(says)
  })

  it('refuse a variable that can not be meant', async () => {
    await expect(read({ GUESTLIFT_SITE: 'h q' })).rejects.toThrow(/GUESTLIFT_SITE can't be used: a site name has/)
  })

  it('refuse two files in one folder', async () => {
    await writeFile(join(inner, 'guestlift.json'), '{}')
    await writeFile(join(inner, 'guestlift.yml'), '{}')
    await expect(read()).rejects.toThrow(/guestlift\.json and guestlift\.yml: keep one/)
  })

  it('note a variable that is none of them', async () => {
    const { notes } = await read({ GUESTLIFT_BUKCET: 'b', PATH: '/bin' })
    expect(notes).toEqual(['GUESTLIFT_BUKCET is no setting. Did you mean GUESTLIFT_BUCKET?'])
  })

  it.skipIf(process.getuid?.() !== 0)(
    "refuse another user's file in a folder that everybody may write to",
    async () => {
      const { chown } = await import('node:fs/promises')
      await writeFile(join(top, 'guestlift.json'), '{"s3":"http://127.0.0.1:1"}')
      await chown(join(top, 'guestlift.json'), 65_534, 65_534)
      expect((await read()).held.s3?.value).toBe('http://127.0.0.1:1')
      await chmod(top, 0o1777)
      await expect(read()).rejects.toThrow(/belongs to another user/)
    },
  )
})
