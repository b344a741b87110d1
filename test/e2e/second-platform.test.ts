/** A platform unlike Proxmox VE in all that the core might take for granted goes through the whole workflow. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { judgementText } from '../../local/iam/guard.ts'
import type { LocalRunner } from '../../local/run/local-runner.ts'
import { type IslandCloud, type IslandGuest, startIsland } from '../second-platform/island-cloud.ts'
import { synthesiseIsland } from '../second-platform/synthesise-island.ts'
import { openStoreBed, quiet, type StoreBed } from './store-bed.ts'

const never = new AbortController().signal

const guests: IslandGuest[] = ['web', 'db', 'mail'].map((name, index) => ({
  id: `${index}f1c7a52-8d1e-4b7a-9c3e-6a1b2c3d4e5f`,
  name,
  disks: { 'system.img': randomBytes(300_000 + index), 'data/volume-1.img': randomBytes(70_000 + index) },
}))

let store: StoreBed
let cloud: IslandCloud
let runner: LocalRunner

beforeAll(async () => {
  store = await openStoreBed('island')
  cloud = await startIsland(guests, store.s3)
  const site = { provider: 'island', url: cloud.url, key: cloud.key }
  runner = await store.openRunner({ far: site }, await synthesiseIsland(join(store.directory, 'app')))
})

afterAll(async () => {
  await store.close()
  await cloud.close()
})

describe('a platform without nodes, storages, log and route', () => {
  it('archives three guests with two disks each, though a release fails once and each takes minutes', async () => {
    cloud.refuseRemovals = 1
    const job = { site: 'far', guests: { ids: guests.map(({ id }) => id) } }
    const { result, report } = await runner.run(job, 'run-1', quiet, { interrupt: never, kill: never })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(report?.guests.map(({ name, outcome, reason }) => ({ name, outcome, reason }))).toEqual(
      guests.map(({ name }) => ({ name, outcome: 'succeeded', reason: '' })),
    )
    for (const { id, name, disks } of guests) {
      const [manifestKey = ''] = (await store.keys(`archives/far/vm-${id}/`)).filter((key) =>
        key.endsWith('/manifest.json'),
      )
      const manifest = manifestSchema.parse(JSON.parse((await store.bytes(manifestKey)).toString()))
      expect(manifest).toMatchObject({ platform: 'island', guest: { id, name }, verdict: { name: 'archived' } })
      expect(manifest.artifacts.map(({ fileName }) => fileName)).toEqual(Object.keys(disks))
      for (const { key, fileName } of manifest.artifacts) {
        expect((await store.bytes(key)).equals(disks[fileName] ?? Buffer.alloc(0))).toBe(true)
      }
      expect(manifest.sideFiles.map((key) => key.split('/').at(-1))).toEqual(['guest.json'])
    }
  })

  it('leaves nothing on the platform', () => {
    expect([...cloud.exports.values()]).toEqual([])
  })

  it('has its archives in the catalogue, each whole', async () => {
    const index = await store.keys('catalogue/')
    expect(index.filter((key) => guests.some(({ id }) => key.includes(id)))).toHaveLength(guests.length)
  })

  it('asked for nothing that its roles refuse', () => {
    expect(store.judgements.length).toBeGreaterThan(0)
    expect(store.judgements.filter(({ allowed }) => !allowed).map(judgementText)).toEqual([])
  })

  it('has a stray removed by the sweep, and what is young or not ours left alone', async () => {
    const [web] = guests
    const made = { guestId: web?.id ?? '', looksLeft: 0, files: [] }
    const [old, young] = ['2025-01-01T00:00:00.000Z', new Date().toISOString()]
    cloud.exports.set('old', { ...made, id: 'old', token: '0f1e2d3c4b5a6978', createdAt: old, removal: 1 })
    cloud.exports.set('young', { ...made, id: 'young', token: '0f1e2d3c4b5a6979', createdAt: young })
    cloud.exports.set('foreign', { ...made, id: 'foreign', token: '', createdAt: old })
    const request = { dryRun: true, sites: ['far'] }
    const signals = { interrupt: never, kill: never }
    const dry = await runner.upkeep('sweepUploads', request, 'sweep-1', quiet, signals)
    expect(dry.told).toMatchObject({ report: { strays: [{ site: 'far', removed: 1, outcome: 'succeeded' }] } })
    expect([...cloud.exports.keys()]).toEqual(['old', 'young', 'foreign'])
    const { result, told } = await runner.upkeep(
      'sweepUploads',
      { ...request, dryRun: false },
      'sweep-2',
      quiet,
      signals,
    )
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(told).toMatchObject({ report: { strays: [{ summary: 'Site far: 1 stray was removed.' }] } })
    expect([...cloud.exports.keys()]).toEqual(['young', 'foreign'])
  })
})
