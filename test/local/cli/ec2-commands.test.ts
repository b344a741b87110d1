/** Commands on a site of EC2, over the lab and the embedded S3. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../functions/aws/s3-client.ts'
import { seededContent } from '../../../local/labs/ec2/disk.ts'
import { type Ec2Lab, startEc2Lab } from '../../../local/labs/ec2/lab.ts'
import { type S3Server, startS3 } from '../../../local/s3/server.ts'
import { guestlift } from './command-line.ts'

const WEB = 'i-0123456789abcdef0'
const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret-key' }
let directory: string
let lab: Ec2Lab
let server: S3Server
let beside: string[]

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-ec2-cli-'))
  server = await startS3({ directory: join(directory, 's3'), ...credentials })
  const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials })
  await s3.send(new CreateBucketCommand({ Bucket: 'archives' }))
  s3.destroy()
  lab = await startEc2Lab({
    instances: [
      {
        id: WEB,
        name: 'web',
        tags: { env: 'prod' },
        volumes: [
          { device: '/dev/xvda', sizeGiB: 1, content: seededContent([0, 5], 1) },
          { device: '/dev/sdf', sizeGiB: 2 },
        ],
      },
      { id: 'i-0000000000000000a', name: 'scratch', rootDeviceType: 'instance-store', volumes: [] },
    ],
  })
  await writeFile(join(directory, 'site.json'), JSON.stringify(lab.site()))
  await writeFile(join(directory, 'job.json'), JSON.stringify({ site: 'aws', guests: { tags: ['env=prod'] } }))
  beside = ['--site-file', 'site.json', '--site', 'aws']
})
afterAll(async () => {
  await Promise.all([lab.close(), server.close()])
  await rm(directory, { recursive: true, force: true })
})

async function at(words: string[]) {
  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret-key', NO_COLOR: '1' }
  return guestlift(words, { cwd: directory, env })
}
const store = () => ['--bucket', 'archives', '--s3', server.url]

describe('a site of EC2 at the command line', () => {
  it('has its guests listed, with a note on what can not be archived', async () => {
    const { out, code } = await at(['guests', ...beside])
    expect(code).toBe(0)
    expect(out).toContain('web')
    expect(out).toContain("can't be archived: its root is an instance store")
    const json = await at(['guests', ...beside, '--details', '--json', '--tag', 'env'])
    expect(JSON.parse(json.out)).toMatchObject({
      guests: [{ id: WEB, details: { disks: [{ key: '/dev/sdf' }, { key: '/dev/xvda', sizeBytes: 2 ** 30 }] } }],
    })
  })

  it('is examined by doctor, with a job and without one', async () => {
    const { out, code } = await at(['doctor', 'job.json', ...beside, ...store()])
    expect([code, out]).toEqual([0, expect.stringContaining('✓ login: AWS EC2')])
    const bare = await at(['doctor', ...beside])
    expect([bare.code, bare.out]).toEqual([0, expect.stringContaining('✓ privileges')])
  })

  it.each([
    ['a wrong key', { auth: { accessKeyId: 'AKIANOBODY0000000000', secretAccessKey: 'x' } }, '✗ login'],
    ['another external id', { auth: { roleArn: 'arn:aws:iam::111122223333:role/nobody' } }, '✗ login'],
  ])('with %s fails the login alone', async (_, change, says) => {
    await writeFile(join(directory, 'broken.json'), JSON.stringify({ ...lab.site(), ...change }))
    const { out, code } = await at(['doctor', '--site-file', 'broken.json', '--site', 'aws'])
    expect(code).not.toBe(0)
    expect(out.split('\n').filter((line) => line.startsWith('✗'))).toEqual([expect.stringContaining(says)])
  })

  it('has a run foreseen with what its instances hold at most', async () => {
    const { out, code } = await at(['plan', 'job.json', ...beside, ...store()])
    expect(code).toBe(0)
    expect(out).toContain('3.0 GiB')
    expect(out).not.toContain('storage local')
  })

  it('refuses what a job asks of another platform, with what there is', async () => {
    await writeFile(
      join(directory, 'other.json'),
      JSON.stringify({ site: 'aws', guests: { pools: ['a'] }, backup: { storage: 'nas' } }),
    )
    const { error, code } = await at(['plan', 'other.json', ...beside, ...store()])
    expect(code).not.toBe(0)
    expect(error).toMatch(/pools|backup\.storage/)
  })

  it('has its sites written by init, which asks for nothing that flags answer', async () => {
    const folder = join(directory, 'new')
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
    // AWS is not asked from a test: nobody listens there.
    const env = { ...process.env, AWS_ACCESS_KEY_ID: 'test', HTTPS_PROXY: 'http://127.0.0.1:9', NO_COLOR: '1' }
    const words = ['init', '--yes', '--platform', 'ec2', '--site', 'aws', '--region', 'eu-central-1', ...store()]
    const { out } = await guestlift(words, { cwd: folder, env })
    expect(out).toContain('aws iam create-role --role-name guestlift-backup')
    expect(out).toContain('aws iam create-role --role-name guestlift-restore')
    expect(out).toContain('"ebs:StartSnapshot"')
    expect(JSON.parse(await readFile(join(folder, 'site.json'), 'utf8'))).toEqual({
      provider: 'ec2',
      name: 'aws',
      regions: ['eu-central-1'],
    })
    expect(JSON.parse(await readFile(join(folder, 'job.json'), 'utf8'))).toEqual({
      site: 'aws',
      guests: { all: true },
      backup: {},
    })
  })
})
