/** What lies in the bucket is read back whole, by the real bundles, and what can't be read is told. */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { verificationSchema } from '../../functions/contracts/verification.ts'
import { synthesise as synthesiseDefinitions } from '../lib/synthesise.ts'
import { bucket, openSite, type Site } from './harness.ts'
import { killFunction } from './kill-function.ts'

let site: Site
/** One whose functions have less than a minute: none dares to begin. */
let hurried: Site
/** The same bucket of another kind: a deployment that reads nothing at length. */
let withoutRunner: Site

beforeAll(async () => {
  const { assembly } = await synthesiseDefinitions('withoutRunner')
  site = await openSite()
  withoutRunner = await openSite({
    functions: { definitions: { 'verify-archives': assembly.machines.verifyArchives } },
  })
  hurried = await openSite({ functions: { limits: { 'verify-deep': { timeoutSeconds: 50 } } } })
  for (const each of [site, withoutRunner, hurried]) {
    await each.run({ site: 'hq', guests: { vmids: [100, 101] } })
  }
})
afterAll(() => Promise.all([site.close(), withoutRunner.close(), hurried.close()]))
beforeEach(() => {
  site.faults.plan = undefined
})

/** The largest file in the folders of archives of a guest, and its folder. */
async function archiveOf(id: string, at: Site = site): Promise<{ folder: string; key: string }> {
  const key =
    (await at.keys('archives/')).find((each) => each.includes(`-${id}/`) && /\.(vma|tar)(\.zst)?$/.test(each)) ?? ''
  return { folder: key.slice(0, key.lastIndexOf('/') + 1), key }
}

async function verdictOf(folder: string, at: Site = site) {
  return verificationSchema.parse(JSON.parse(await at.text(`${folder}verification.json`)))
}

describe('the verification of what is due', () => {
  it('reads an archive of each guest that was never read, and finds nothing to do after that', async () => {
    const { result, told } = await site.upkeep('verifyArchives', {})
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(told?.report).toMatchObject({ outcome: 'succeeded', accepted: 2, refused: 0, notVerified: 0, overdue: 0 })
    for (const id of ['100', '101']) {
      const { folder } = await archiveOf(id)
      expect(await verdictOf(folder)).toMatchObject({ result: 'accepted', findings: [], evidence: [{ guest: { id } }] })
    }

    const states: string[] = []
    const again = await site.upkeep('verifyArchives', {}, { onState: (state) => states.push(state) })
    expect(again.result).toMatchObject({ status: 'SUCCEEDED' })
    expect(again.told?.report).toMatchObject({
      outcome: 'succeeded',
      archives: [],
      summary: 'No archive was to be read.',
    })
    expect(states).toEqual([
      'Plan verification',
      'Any archive due?',
      'Report verification',
      'How did it go?',
      'Verification done',
    ])
  })

  it('reads one that does not fit a function in the larger runner, with the same code', async () => {
    const { folder } = await archiveOf('100')
    const before = await verdictOf(folder)
    const states: string[] = []
    const request = { archives: [folder], mostGiBInFunction: 1 / 2 ** 30 }
    const { result, told } = await site.upkeep('verifyArchives', request, { onState: (state) => states.push(state) })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(told?.report).toMatchObject({
      outcome: 'succeeded',
      accepted: 1,
      archives: [{ folder, result: 'accepted' }],
    })
    expect(states).toContain('Verify at length')
    expect(states).not.toContain('Verify deep')
    const { verifiedAt, ...after } = await verdictOf(folder)
    expect(verifiedAt > before.verifiedAt).toBe(true)
    expect(after).toEqual({ ...after, evidence: before.evidence, result: 'accepted' })
  })

  it('goes on in the larger runner where a function stopped itself before its time was up', async () => {
    const states: string[] = []
    const twice = ['Verify at length', 'Verify at length', 'Verify deep', 'Verify deep']
    const { result, told } = await hurried.upkeep('verifyArchives', {}, { onState: (state) => states.push(state) })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(told?.report).toMatchObject({ outcome: 'succeeded', accepted: 2, notVerified: 0 })
    expect(states.filter((state) => ['Verify deep', 'Verify at length'].includes(state)).sort()).toEqual(twice)
    expect(states).not.toContain('Archive not read')
  })

  it('says of such an archive how to read it where there is no larger runner, and fails', async () => {
    const { folder } = await archiveOf('100', withoutRunner)
    const request = { archives: [folder], mostGiBInFunction: 1 / 2 ** 30 }
    const { result, told } = await withoutRunner.upkeep('verifyArchives', request)
    expect(result).toMatchObject({
      status: 'FAILED',
      error: 'VerificationIncomplete',
      cause: expect.stringContaining(folder),
    })
    expect(told?.report).toMatchObject({ outcome: 'failed', notVerified: 1, overdue: 1 })
    expect(told?.report?.archives[0]?.reason).toMatch(
      new RegExp(
        `^not verified: Its .* don't fit .* Read it on any machine: npx guestlift verify --archive ${folder} --bucket ${bucket}$`,
      ),
    )
    expect(await withoutRunner.keys(folder)).not.toContain(`${folder}verification.json`)
  })

  it('counts an archive as not verified whose function was killed over it, and reads it the next time', async () => {
    const { folder, key } = await archiveOf('101', withoutRunner)
    const other = (await archiveOf('100', withoutRunner)).folder
    let reading = false
    withoutRunner.faults.plan = (request) => {
      if (request.operation !== 'GetObject' || request.key !== key) return undefined
      reading = true
      return 'silent'
    }
    const running = withoutRunner.upkeep('verifyArchives', {})
    const otherRead = async () => (await withoutRunner.keys(other)).includes(`${other}verification.json`)
    await expect.poll(async () => reading && (await otherRead()), { timeout: 30_000, interval: 100 }).toBe(true)
    // Its function answers once the verdict is written; both are processes of the same bundle.
    await delay(500)
    expect(await killFunction(withoutRunner.assembly, 'verify-deep')).toBeGreaterThan(0)
    const killed = await running
    withoutRunner.faults.plan = undefined
    // Guest 100 was read all the same.
    expect(killed.told?.report).toMatchObject({ outcome: 'partial', accepted: 1, notVerified: 1 })
    expect(killed.told?.report?.archives.find((archive) => archive.folder === folder)).toMatchObject({
      result: 'not-verified',
      reason: expect.stringMatching(/^not verified: Its function ended without a verdict/),
    })
    const again = await withoutRunner.upkeep('verifyArchives', {})
    expect(again.result).toMatchObject({ status: 'SUCCEEDED' })
    expect(again.told?.report).toMatchObject({ accepted: 1, archives: [{ folder, result: 'accepted' }] })
  })

  it('fails and names the archive when a byte of it changed in the store', async () => {
    const { folder, key } = await archiveOf('101')
    const path = site.path(key)
    const whole = readFileSync(path)
    const damaged = Buffer.from(whole)
    const at = Math.floor(damaged.length / 2)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    writeFileSync(path, damaged)
    const { result, told } = await site.upkeep('verifyArchives', { archives: ['archives/hq/'] })
    expect(result).toMatchObject({ status: 'FAILED', error: 'ArchiveRefused', cause: expect.stringContaining(folder) })
    expect(told?.report).toMatchObject({ outcome: 'partial', accepted: 1, refused: 1 })
    expect(await verdictOf(folder)).toMatchObject({ result: 'refused' })

    // It stays refused until somebody asks again, and is told meanwhile.
    const later = await site.upkeep('verifyArchives', {})
    expect(later.result).toMatchObject({ status: 'SUCCEEDED' })
    expect(later.told?.report?.unread).toMatchObject([{ folder, why: 'refused-earlier' }])
    writeFileSync(path, whole)
    const asked = await site.upkeep('verifyArchives', { archives: [key] })
    expect(asked.told?.report).toMatchObject({ accepted: 1 })
  })

  it('stops with a sentence when the request names nothing that is there', async () => {
    const { result, told } = await site.upkeep('verifyArchives', { archives: ['archives/hq/vm-999/'] })
    expect(result).toMatchObject({
      status: 'FAILED',
      error: 'InvalidJob',
      cause: expect.stringContaining('There is no archive below'),
    })
    expect(told).toBeUndefined()
  })
})
