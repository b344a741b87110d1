import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { synthesise } from '../../../local/run/assembly.ts'
import { openLocalRunner } from '../../../local/run/local-runner.ts'

const names = [
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_PROFILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'HOME',
] as const
let before: NodeJS.ProcessEnv
beforeEach(() => {
  before = { ...process.env }
  for (const name of names) delete process.env[name]
  process.env['HOME'] = tmpdir()
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
})
afterEach(() => {
  process.env = before
})

const settings = async (s3Url: string | undefined) => ({
  sites: {},
  defaultSite: 'hq',
  bucket: 'archives',
  keyPrefix: '',
  s3Url,
  assembly: await synthesise(() => undefined),
  logFile: join(tmpdir(), 'guestlift-runner-test.log'),
})

describe('the local runner', () => {
  it('says before anything starts that AWS needs a region', async () => {
    process.env['AWS_ACCESS_KEY_ID'] = 'a'
    process.env['AWS_SECRET_ACCESS_KEY'] = 'b'
    await expect(openLocalRunner(await settings(undefined))).rejects.toThrow(/Region is missing.*AWS_REGION/)
  })

  it('says before anything starts that S3 needs credentials', async () => {
    await expect(openLocalRunner(await settings('http://127.0.0.1:1'))).rejects.toThrow(
      /credentials.*AWS_ACCESS_KEY_ID/,
    )
  })

  it('says where to keep logs when their folder can not be made', async () => {
    Object.assign(process.env, { AWS_REGION: 'x', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' })
    const logFile = join(import.meta.filename, 'logs', 'run.log')
    await expect(openLocalRunner({ ...(await settings('http://127.0.0.1:1')), logFile })).rejects.toThrow(
      /^No log can be kept: ENOTDIR.*\. Set GUESTLIFT_HOME to a folder that can be written to\.$/,
    )
  })
})
