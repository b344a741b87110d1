import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { priceTableSchema } from '../../../../functions/contracts/prices.ts'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import type { GuestRetention } from '../../../../functions/contracts/retention-report.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import type { Quote } from '../../../../functions/domain/prices/quote.ts'
import type { BucketBill } from '../../../../functions/operations/foresight/bill-bucket.ts'
import type { ForeseenRetention } from '../../../../functions/operations/foresight/foresee-retention.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { startS3 } from '../../../../local/s3/server.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket } from '../../../fakes/versioned-bucket.ts'
import { guestlift as run } from '../command-line.ts'

const GIB = 2 ** 30

let directory: string
let lab: Lab
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guestlift-price-'))
  lab = await startLab({
    directory: join(directory, 'lab'),
    secondsPerDump: 0,
    unauthorizedDelaySeconds: 0,
    guests: [{ vmid: 100, kind: 'qemu', name: 'web01', disks: [{ key: 'scsi0', sizeBytes: 100 * GIB, backup: true }] }],
  })
  await writeFile(join(directory, 'hq.json'), JSON.stringify(lab.site()))
  await writeFile(join(directory, 'job.json'), JSON.stringify({ site: 'hq', guests: { vmids: [100] } }))
  await writeFile(join(directory, 'none.json'), JSON.stringify({ site: 'hq', guests: { vmids: [777] } }))
})
afterAll(async () => {
  await lab.close()
  await rm(directory, { recursive: true, force: true })
})

function guestlift(words: readonly string[], aws: Record<string, string> = {}) {
  const home = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
  const env = { ...home, NO_COLOR: '1', AWS_EC2_METADATA_DISABLED: 'true', ...aws }
  return run(words, { cwd: directory, env })
}

describe('guestlift quote', () => {
  it('prices a run from what is known before it, and says what it leaves out', async () => {
    const { code, out } = await guestlift(['quote', 'job.json', '--site-file', 'hq.json', '--details'])
    expect(out).toMatch(/^Price of archiving 1 guest and keeping them 30 days in STANDARD: up to \$\d+\.\d\d$/m)
    expect(out).toMatch(/^ +up to \$2\.\d\d +up to 100\.0 GiB in STANDARD for 30 days$/m)
    expect(out).toMatch(/^Restoring up to 100\.0 GiB once to internet: about \$9\.00$/m)
    expect(out).toMatch(/^ +not in it: retries/m)
    expect(out).toMatch(/^ +prices: us-east-1, 2026-/m)
    expect(code).toBe(0)
  })

  it('takes class, days and a table of one’s own, and prints the same as JSON', async () => {
    const own = structuredClone(listPrices)
    own.region = 'eu-central-1'
    own.storage.GLACIER_IR.dollarsPerGiBMonth = 0.005
    await writeFile(join(directory, 'prices.json'), JSON.stringify(own))
    const words = ['quote', 'job.json', '--site-file', 'hq.json', '--prices', 'prices.json', '--class', 'GLACIER_IR']
    const { out } = await guestlift([...words, '--days', '365', '--json'])
    const quote = JSON.parse(out) as Quote
    const kept = quote.items.find(({ what }) => what.includes('for 365 days'))
    expect(kept?.mostDollars).toBeCloseTo(100 * 0.005 * 12, 2)
    expect(quote.prices).toMatch(/^eu-central-1/)
  })

  it('is part of the plan', async () => {
    const { out } = await guestlift(['plan', 'job.json', '--site-file', 'hq.json'])
    expect(out).toMatch(/^Price of archiving 1 guest .*: up to \$/m)
    expect(out).toMatch(/Nothing was changed\.\n$/)
  })

  it.each([
    [{ dollarsPerRun: 1000 }, /^The run stays within its budget of \$1000\.00\.$/m, 0],
    [
      { dollarsPerRun: 1 },
      /^The run with 30 days .* above its budget of \$1\.00\. It would stop before it begins\.$/m,
      1,
    ],
    [{ dollarsPerRun: 1, confirmed: true }, /It goes on, since that is confirmed\.$/m, 0],
  ])('tells what becomes of the budget %j', async (budget, says, exit) => {
    await writeFile(join(directory, 'tight.json'), JSON.stringify({ site: 'hq', guests: { vmids: [100] }, budget }))
    const { code, out } = await guestlift(['quote', 'tight.json', '--site-file', 'hq.json', '--class', 'DEEP_ARCHIVE'])
    expect(out).toMatch(says)
    expect(code).toBe(exit)
  })

  it('exits with 1 where nothing would be archived', async () => {
    const { code, out } = await guestlift(['quote', 'none.json', '--site-file', 'hq.json'])
    expect(out).toMatch(/less than \$0\.01/)
    expect(code).toBe(1)
  })

  it.each([
    ['{"version":1}', /The price file bad\.json is malformed:.*guestlift prices/s],
    ['{', /The price file bad\.json is not valid JSON:\s+bad\.json:1:2/],
  ])('refuses the price table %s', async (text, says) => {
    await writeFile(join(directory, 'bad.json'), text)
    const { code, error } = await guestlift(['quote', 'job.json', '--site-file', 'hq.json', '--prices', 'bad.json'])
    expect(error).toMatch(says)
    expect(code).toBe(1)
  })

  it.each([[['--class', 'FROZEN']], [['--days', 'many']], [['--days', '-1']]])('refuses %j', async (words) => {
    const { code } = await guestlift(['quote', 'job.json', '--site-file', 'hq.json', ...words])
    expect(code).toBe(64)
  })
})

describe('guestlift prices', () => {
  it('prints a table that may be given back', async () => {
    const { out } = await guestlift(['prices'])
    expect(priceTableSchema.parse(JSON.parse(out))).toEqual(listPrices)
  })
})

describe('guestlift bill', () => {
  it('bills a bucket over its listing, by guest and class', async () => {
    const keys = { accessKeyId: 'cli', secretAccessKey: 'cli-secret-key' }
    const server = await startS3({ directory: join(directory, 's3'), ...keys })
    const s3 = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: keys })
    await s3.send(new CreateBucketCommand({ Bucket: 'archives' }))
    const put = (key: string, body: string, rest = {}) =>
      s3.send(new PutObjectCommand({ Bucket: 'archives', Key: key, Body: body, ...rest }))
    const folder = 'archives/hq/vm-100/2026-11-20T02-00-00Z/'
    await put(`${folder}vzdump.vma.zst`, 'x'.repeat(3000), { StorageClass: 'DEEP_ARCHIVE' })
    await put(`${folder}manifest.json`, '{}')
    await put('claims/hq/vm-100.json', '{}')
    const aws = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey }
    const words = ['bill', '--bucket', 'archives', '--s3', server.url]
    const told = await guestlift(words, aws)
    const { out } = await guestlift([...words, '--json', '--destination', 'same-region'], aws)
    const bare = await guestlift([...words, '--keep-last', '1'], aws)
    const noRules = await guestlift([...words, '--site', 'hq'], aws)
    s3.destroy()
    await server.close()
    expect(told.out).toMatch(/^3 objects, 2\.9 KiB: less than \$0\.01 a month$/m)
    expect(told.out).toMatch(
      /^Restoring 2\.9 KiB of DEEP_ARCHIVE once to internet: .*readable after up to 48 hours \(bulk\)$/m,
    )
    expect(told.out).toMatch(/^ +list prices; --details shows what is not in them$/m)
    expect(told.error).toMatch(/^Requests: .*ListObjectVersions\.$/m)
    expect(bare).toMatchObject({ code: 64, error: expect.stringMatching(/--site/) })
    expect(noRules).toMatchObject({ code: 64, error: expect.stringMatching(/say what is to be kept/) })
    const bill = JSON.parse(out) as BucketBill
    expect(bill).not.toHaveProperty('retention')
    expect(bill.lines.map(({ owner, storageClass, sizeBytes }) => [owner, storageClass, sizeBytes])).toEqual(
      expect.arrayContaining([
        ['hq/vm-100', 'DEEP_ARCHIVE', 3000],
        ['hq/vm-100', 'STANDARD', 2],
        ["Guestlift's own books", 'STANDARD', 2],
      ]),
    )
    expect(bill.restore.map(({ storageClass }) => storageClass).toSorted()).toEqual(['DEEP_ARCHIVE', 'STANDARD'])
  })

  it('tells what a retention would do to the bill, as the dry run of prune does, by rules or by a job', async () => {
    const bucket = await openVersionedBucket()
    const web: Guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' }
    const folders = []
    for (const day of [1, 2, 3, 4]) folders.push(await putArchive(bucket, web, `2026-11-0${day}T02:00:00.000Z`))
    await bucket.put(`${folders[0]}file`, 'vma', { retainUntil: new Date('2040-01-02T00:00:00.000Z') })
    const own = structuredClone(listPrices)
    own.storage.STANDARD.dollarsPerGiBMonth = 1_000_000
    await writeFile(join(directory, 'dear.json'), JSON.stringify(own))
    const job = { site: 'hq', guests: { vmids: [100] }, retention: { 'keep-last': 2 } }
    await writeFile(join(directory, 'keep.json'), JSON.stringify(job))
    const aws = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }
    const words = ['bill', '--bucket', 'archives', '--s3', bucket.url, '--prices', 'dear.json']
    const rules = ['--site', 'hq', '--keep-last', '2']
    const told = await guestlift([...words, ...rules], aws)
    const byRules = await guestlift([...words, ...rules, '--json'], aws)
    const byJob = await guestlift([...words, '--job', 'keep.json', '--json'], aws)
    const prune = ['prune', '--bucket', 'archives', '--s3', bucket.url, ...rules, '--json']
    const plan = await guestlift(prune, aws)
    await bucket.close()
    expect(told.code).toBe(0)
    expect(told.out).toMatch(
      /^With this retention, site hq: about \$\d+\.\d\d a month now, about \$\d+\.\d\d after it, about \$\d+\.\d\d saved; the whole bucket about/m,
    )
    expect(told.out).toMatch(/hq\/vm-100 +1 of 4 archives go .* saved +1 locked and stay until 2040-01-02/)
    const { retention } = JSON.parse(byRules.out) as { retention: ForeseenRetention }
    expect((JSON.parse(byJob.out) as { retention: ForeseenRetention }).retention.guests).toEqual(retention.guests)
    const planned = (JSON.parse(plan.out) as { guests: { result: GuestRetention }[] }).guests[0]?.result
    expect(retention.guests[0]).toMatchObject({
      archives: planned?.archives.length,
      locked: planned?.locked,
      going: (planned?.toRemove ?? 0) - (planned?.locked ?? 0),
      warnings: planned?.warnings,
    })
  })
})
