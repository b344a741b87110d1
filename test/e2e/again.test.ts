import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucket, openSite, type Site } from './harness.ts'

const MIB = 2 ** 20

let site: Site
beforeAll(async () => {
  // Uncompressed, this is three parts.
  site = await openSite({ guestBytes: 136 * MIB })
})
afterAll(() => site.close())

describe('a run that did not archive everything is repeated', () => {
  it('for exactly the guests that are missing, with the dump and the parts that there are', async () => {
    const job = { site: 'hq', guests: { vmids: [101] }, backup: { storage: 'local', compress: 'none' } }
    const death = new AbortController()
    let parts = 0
    const first = await site.run(job, {
      name: 'first',
      kill: death.signal,
      onPart: () => {
        parts += 1
        if (parts === 1) death.abort()
      },
    })
    expect(first.result.status).toBe('ABORTED')
    await site.letClaimsLapse()
    const [planKey = ''] = (await site.keys('runs/')).filter((key) => key.endsWith('/first/plan.json'))
    const [, year, month, day] = /runs\/(\d+)\/(\d+)\/(\d+)\//.exec(planKey) ?? []
    const again = { run: 'first', startedAt: `${year}-${month}-${day}T00:00:00.000Z` }

    const there = await partsThere(site)
    expect(there).toBeGreaterThanOrEqual(1)
    let sent = 0
    const second = await site.run({ again }, { name: 'second', onPart: () => (sent += 1) })
    expect(second.report).toMatchObject({ outcome: 'succeeded', notes: ['Repeats 1 of 1 guests of run first.'] })
    // What S3 had is not sent again, and no other dump was made.
    expect(sent).toBe(3 - there)
    expect(site.lab.control.archives()).toHaveLength(1)

    const third = await site.run({ again: { ...again, run: 'second' } }, { name: 'third' })
    expect(third.result).toMatchObject({ status: 'FAILED', error: 'InvalidJob' })
    expect(third.result.cause).toContain('there is nothing to repeat')
  }, 600_000)
})

/** Parts that S3 has of open uploads: one may have arrived after the run had died. */
async function partsThere({ s3 }: Site): Promise<number> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  const lists = await Promise.all(
    Uploads.map(({ Key, UploadId }) => s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }))),
  )
  return lists.reduce((sum, { Parts = [] }) => sum + Parts.length, 0)
}
