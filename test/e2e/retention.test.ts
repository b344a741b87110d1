/** The workflow with a retention: each run archives, and what the rules let go is gone with all its versions. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { openSite, type Site } from './harness.ts'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterAll(() => site.close())

const job = (retention: object) => ({ site: 'hq', guests: { vmids: [103] }, retention })
const manifests = async () => (await site.keys('archives/')).filter((key) => key.endsWith('/manifest.json'))

describe('runs with a retention', () => {
  it('keep what the rules keep, archive after archive, and say nothing when all is well', async () => {
    const made: string[] = []
    for (let run = 0; run < 3; run += 1) {
      const states: string[] = []
      const { report, guests } = await site.run(job({ 'keep-last': 2 }), { onState: (state) => states.push(state) })
      expect(report?.outcome).toBe('succeeded')
      expect(guests['103']).toMatchObject({ outcome: 'succeeded', reason: '' })
      expect(states).toContain('Apply retention')
      made.push(guests['103']?.manifestKey ?? '')
    }
    expect(await manifests()).toEqual(made.slice(1).sort())
    const folder = made[0]?.slice(0, -'manifest.json'.length) ?? ''
    expect(await site.keys(folder)).toEqual([])
    expect(await site.keys('retention/hq/')).toEqual([expect.stringMatching(/^retention\/hq\/\w+-103\/[^/]+\.json$/)])
  })

  it('wait for a person when much would go at once: the guest is archived, and the report says so', async () => {
    const { guests } = await site.run(job({ 'keep-last': 1 }))
    expect(guests['103']).toMatchObject({ outcome: 'succeeded' })
    expect(guests['103']?.reason).toMatch(/^Retention: 2 of 3 archives would go at once/)
    expect(await manifests()).toHaveLength(3)
  })

  it('apply none where the job has none', async () => {
    const states: string[] = []
    const bare = { site: 'hq', guests: { vmids: [103] } }
    expect((await site.run(bare, { onState: (state) => states.push(state) })).report?.outcome).toBe('succeeded')
    expect(states).not.toContain('Apply retention')
    expect(await manifests()).toHaveLength(4)
  })

  it('know how much content goes in, and let nothing older go when a guest was encrypted meanwhile', async () => {
    const vm = (retention: object, compress = 'zstd') => ({
      site: 'hq',
      guests: { vmids: [100] },
      backup: { storage: 'local', compress },
      retention,
    })
    const manifestAfter = async (job: object) => {
      const { guests } = await site.run(job)
      const manifest = manifestSchema.parse(JSON.parse(await site.text(guests['100']?.manifestKey ?? '')))
      return { manifest, reason: guests['100']?.reason }
    }
    const compressed = { 'keep-last': 9, largestShare: 1 }
    const calm = await manifestAfter(vm(compressed))
    await manifestAfter(vm(compressed))
    expect(calm.manifest.evidence.contentBytes).toBeGreaterThan(calm.manifest.artifacts[0]?.sizeBytes ?? Infinity)
    expect(calm.manifest.contentSample).toBeUndefined()
    const plain = await manifestAfter(vm(compressed, 'none'))
    await manifestAfter(vm(compressed, 'none'))
    expect(plain.manifest.evidence.contentBytes).toBeLessThan(plain.manifest.artifacts[0]?.sizeBytes ?? 0)
    expect(plain.manifest.contentSample?.entropyBitsPerByte).toBeLessThan(7)

    const { compressible } = site.lab.control.guest(100, {})
    site.lab.control.guest(100, { compressible: 0 })
    const one = { 'keep-last': 1, largestShare: 1 }
    expect((await manifestAfter(vm(one))).reason).toMatch(
      /^Retention: The newest archive .* looks wrong: .*It has \d+ % of the size of its content.* compresses no more/,
    )
    expect((await manifestAfter(vm(one, 'none'))).reason).toMatch(
      /^Retention: The newest archive .* looks wrong: Its content has 7\.9 bits per byte/,
    )
    site.lab.control.guest(100, { compressible })
    expect((await manifests()).filter((key) => key.includes('-100/'))).toHaveLength(6)
  })

  it('lose no archive and fail no guest when pruning is refused', async () => {
    site.faults.plan = ({ operation }) =>
      operation === 'ListObjectVersions' ? { code: 'AccessDenied', message: 'not allowed' } : undefined
    const { report, guests } = await site.run(job({ 'keep-last': 4 }))
    site.faults.plan = undefined
    expect(report?.outcome).toBe('succeeded')
    expect(guests['103']?.reason).toMatch(/^The archive is safe in S3, but older ones were not pruned: .*access denied/)
    expect((await manifests()).filter((key) => key.includes('-103/'))).toHaveLength(5)
  })
})
