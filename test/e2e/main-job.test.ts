import { Readable } from 'node:stream'
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readArchive } from '../../functions/archive-formats/formats.ts'
import { siteConfigurationSchema } from '../../functions/contracts/site-configuration.ts'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { openSite, type Site } from './harness.ts'

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterAll(() => site.close())

const job = (vmids: number[], more: object = {}) => ({
  site: 'hq',
  guests: { vmids },
  backup: { storage: 'local' },
  ...more,
})

/** The archive as it lies on the node, and its CRC-32 in S3's form. */
function onTheNode(key: string): { bytes: Buffer; checksum: string } {
  const found = site.lab.control.archives().find(({ file }) => key.endsWith(`/${file}`))
  const bytes = readFileSync(found?.path ?? '')
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return { bytes, checksum: `CRC32:${sum.toString('base64')}` }
}

describe('the main job', () => {
  it('keeps how the site is set up where it is asked to, and says what its account may not see', async () => {
    const { report } = await site.run(job([101], { siteConfiguration: true }))
    const key = report?.siteConfiguration?.key ?? ''
    expect(report).toMatchObject({
      outcome: 'succeeded',
      notes: [expect.stringMatching(/^Of how site hq is set up, \d+ parts may be incomplete. The first: /)],
    })
    const record = siteConfigurationSchema.parse(JSON.parse(await site.text(key)))
    const storages = record.parts.find(({ part }) => part === 'storages')
    expect(Object.keys(storages?.entries ?? {})).toContain('local')
    // Kept once while nothing changes.
    await site.run(job([101], { siteConfiguration: true }))
    expect(await site.keys('configurations/')).toEqual([key])
  })

  it('archives a VM and a container under their own names, with log, notes and manifest', async () => {
    const backup = { storage: 'local', notes: 'before the upgrade' }
    const { result, report, guests } = await site.run(job([100, 101], { backup }))
    expect(result.status).toBe('SUCCEEDED')
    expect(report).toMatchObject({ outcome: 'succeeded', notes: [] })
    for (const [id, kind] of [
      ['100', 'vm'],
      ['101', 'container'],
    ] as const) {
      const {
        artifacts: [artifact],
        manifestKey = '',
        ...outcome
      } = guests[id] ?? { artifacts: [] }
      expect(outcome).toMatchObject({ id, kind, node: 'pve1', outcome: 'succeeded', verdict: 'archived', reason: '' })
      const source = onTheNode(artifact?.key ?? '')
      expect(artifact).toMatchObject({ sizeBytes: source.bytes.length, checksum: source.checksum })
      const manifest = manifestSchema.parse(JSON.parse(await site.text(manifestKey)))
      expect(manifest).toMatchObject({
        platformVersion: expect.stringMatching(/^9\./),
        guest: { id, kind },
        verdict: { name: 'archived' },
        artifacts: [{ proof: { level: 'full-object-crc' } }],
      })
      expect(manifest.configuration?.name).toBe(kind === 'vm' ? 'qemu-server.conf' : 'pct.conf')
      // Counted on the way, and so without a range.
      const { work, seconds = 0 } = guests[id] ?? {}
      expect(manifest.artifacts[0]?.work).toMatchObject({ brokenCalls: 0, untimedCalls: 0 })
      expect(work?.partsSent).toBe(manifest.artifacts[0]?.partCount)
      expect(work?.copySeconds).toBeGreaterThan(0)
      expect(work?.copySeconds).toBeLessThan(seconds * (work?.copyCalls ?? 0))
      expect(manifest.receipt?.leastDollars).toBeGreaterThan(0)
      expect(manifest.receipt?.mostDollars).toBe(manifest.receipt?.leastDollars)
      const fileName = artifact?.key.split('/').at(-1) ?? ''
      const reading = await readArchive(Readable.from([source.bytes]), { fileName, guest: manifest.guest })
      expect(reading).toMatchObject({ result: 'accepted', findings: [] })
      expect(await site.text(manifest.sideFiles.find((key) => key.endsWith('.log')) ?? '')).toMatch(/TASK OK/)
      expect(await site.text(manifest.sideFiles.find((key) => key.endsWith('.notes')) ?? '')).toBe('before the upgrade')
    }
    expect(await site.openUploads()).toEqual([])
    expect(await site.keys('uploads/')).toEqual([])
  })

  it('never asks the platform to prune', async () => {
    const posts = site.lab.faults.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/vzdump'))
    expect(posts.length).toBeGreaterThan(0)
    for (const { parameters } of posts) expect(parameters).toMatchObject({ remove: '0' })
  })

  it('accepts a job of the older shape and reports what became of it', async () => {
    const older = {
      provider: 'proxmox',
      identifier: 'pve-node1:101',
      output_path: '/backups/proxmox',
      format: 'vzdump',
      compress: true,
      compression_level: 7,
      metadata: { backup_mode: 'snapshot', notes: 'Weekly backup' },
    }
    const { report } = await site.run(older)
    expect(report).toMatchObject({ outcome: 'succeeded', site: 'hq' })
    expect(report?.notes.join('\n')).toMatch(/compression_level 7 has no equivalent/)
  })

  it('removes the source copy only after the manifest is written, when asked to', async () => {
    const { guests } = await site.run(job([101], { deleteSource: true }))
    const key = guests['101']?.artifacts[0]?.key ?? ''
    expect(guests['101']).toMatchObject({ outcome: 'succeeded', reason: '' })
    expect(site.lab.control.archives().some(({ file }) => key.endsWith(file))).toBe(false)
    expect((await site.text(key)).length).toBeGreaterThan(0)
  })

  it('archives a guest where it is now', async () => {
    site.lab.control.migrateGuest(100, 'pve2')
    const { guests } = await site.run(job([100]))
    expect(guests['100']).toMatchObject({ outcome: 'succeeded', node: 'pve2' })
    site.lab.control.migrateGuest(100, 'pve1')
  })

  it('serves a scheduled time once', async () => {
    const scheduled = { ...job([101]), schedule: { name: 'nightly', scheduledAt: '2026-11-22T02:00:00Z' } }
    const first = await site.run(scheduled)
    const second = await site.run(scheduled)
    expect(first.report?.outcome).toBe('succeeded')
    expect(second.result.status).toBe('SUCCEEDED')
    expect(second.report).toBeUndefined()
  })

  it.each(['gzip', 'lzo', 'none'])('moves a container compressed by %s', async (compress) => {
    const { guests } = await site.run(job([101], { backup: { storage: 'local', compress } }))
    expect(guests['101']).toMatchObject({ outcome: 'succeeded' })
  })

  it('keeps secrets out of state, logs and bucket', async () => {
    const { token, ssh } = site.lab
    const secrets = [token.secret, ssh.password, ...ssh.privateKey.split('\n').filter((line) => line.length > 40)]
    const objects = (await site.keys()).filter((key) => /\.(json|log|notes)$/.test(key))
    const texts = await Promise.all([site.everythingSaid(), ...objects.map((key) => site.text(key))])
    expect(objects.length).toBeGreaterThan(20)
    for (const secret of secrets) expect(texts.filter((text) => text.includes(secret))).toEqual([])
  })
})
