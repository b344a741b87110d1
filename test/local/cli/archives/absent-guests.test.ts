/** Guests that a site doesn't list, played against the lab: a rebuilt cluster, another one, rights taken away, removed guests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SiteBook } from '../../../../functions/contracts/site-book.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { putArchive } from '../../../fakes/put-archive.ts'
import { openVersionedBucket, type VersionedBucket } from '../../../fakes/versioned-bucket.ts'
import { guestlift as run, type Ended } from '../command-line.ts'

const ids = [201, 202, 203, 204, 205, 206]
const DAY = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY).toISOString()

describe('pruning a site with archives of six guests', () => {
  let directory: string
  let lab: Lab
  let bucket: VersionedBucket
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'guestlift-absent-'))
    lab = await startLab({
      directory: join(directory, 'lab'),
      guestBytes: 64 * 1024,
      unauthorizedDelaySeconds: 0,
      guests: ids.map((vmid) => ({ vmid, kind: 'qemu', name: `vm${vmid}` })),
    })
    bucket = await openVersionedBucket('versioned')
    for (const id of ids) {
      const guest = { id: String(id), kind: 'vm', name: `vm${id}`, node: 'pve1' } as const
      for (const days of [4, 3, 2, 1]) await putArchive(bucket, guest, daysAgo(days))
    }
    writeFileSync(join(directory, 'hq.json'), JSON.stringify(lab.site()))
    const retention = { 'keep-last': 4, orphans: { 'keep-last': 2 }, largestShare: 1 }
    const job = { site: 'hq', guests: { all: true }, retention }
    writeFileSync(join(directory, 'job.json'), JSON.stringify(job))
  })
  afterEach(async () => {
    await lab.close()
    await bucket.close()
    rmSync(directory, { recursive: true, force: true })
  })

  function guestlift(...words: string[]): Promise<Ended> {
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }
    const env = { ...process.env, ...keys, NO_COLOR: '1' }
    return run([...words, '--bucket', 'archives', '--s3', bucket.url], { env })
  }
  const prune = (...words: string[]) =>
    guestlift(
      'prune',
      '--site',
      'hq',
      '--site-file',
      join(directory, 'hq.json'),
      '--job',
      join(directory, 'job.json'),
      ...words,
    )
  const archives = async () =>
    (await bucket.store.listKeys('archives/')).filter((key) => key.endsWith('manifest.json')).length
  const book = async (): Promise<SiteBook> => JSON.parse((await bucket.store.readText('sites/hq.json'))?.text ?? 'null')
  /** As whole lists of the last days would have left it. */
  async function absentFor(days: number, lists: number, ...absent: number[]): Promise<void> {
    const now = await book()
    const guests = now.guests.map((guest) =>
      absent.includes(Number(guest.id))
        ? { ...guest, absent: { since: daysAgo(days), lists, countedAt: daysAgo(1) } }
        : guest,
    )
    await bucket.put('sites/hq.json', JSON.stringify({ ...now, guests }))
  }

  it('removes nothing of a cluster that was rebuilt behind the same address, until a person accepts it', async () => {
    expect((await prune('--confirm')).code).toBe(0)
    lab.control.setCluster('0c8c43de-7e0b-4b6c-a2c1-1f6f4b0e7a11')
    lab.control.presentCertificate('first')
    for (const id of ids) lab.control.removeGuest(id)
    const refused = await prune('--confirm', '--confirm-gone')
    expect(refused.code).toBe(1)
    expect(refused.error).toMatch(
      /Site hq: the cluster sha256:[0-9a-f]{64} answers, and the archives come from sha256:/,
    )
    const [, command = ''] = /npx guestlift (site accept hq --cluster \S+) --bucket archives/.exec(refused.error) ?? []
    const coverage = await guestlift('coverage', '--every', '24h', '--site-file', join(directory, 'hq.json'))
    expect([coverage.code, coverage.error]).toEqual([1, expect.stringContaining('the archives come from')])
    expect(await archives()).toBe(24)

    expect(await guestlift(...command.split(' '))).toMatchObject({ code: 0, out: expect.stringMatching(/is accepted/) })
    const emptied = await prune('--confirm')
    expect([emptied.code, emptied.out]).toEqual([
      1,
      expect.stringMatching(/lists no guest at all, and there are archives of 6/),
    ])
    expect(await archives()).toBe(24)
  })

  it('removes nothing when rights are taken away, from all guests or from some', async () => {
    expect((await prune('--confirm')).code).toBe(0)
    lab.control.hideGuests(ids)
    const none = await prune('--confirm')
    expect([none.code, none.out]).toEqual([1, expect.stringMatching(/lists no guest at all/)])
    lab.control.hideGuests(ids.slice(3))
    const some = await prune('--confirm')
    expect([some.code, some.out]).toEqual([2, expect.stringMatching(/doesn't list 3 of 6 guests that have archives/)])
    // Not even when it has been so for weeks.
    await absentFor(20, 9, ...ids.slice(3))
    expect((await prune('--confirm')).code).toBe(2)
    expect(await archives()).toBe(24)
    // A person has looked.
    expect((await prune('--confirm', '--confirm-gone')).out).toMatch(/Removed: 6 archives of 6 guests/)
    expect(await archives()).toBe(18)
  })

  it('keeps what a removed guest left until several lists over a week have lacked it', async () => {
    expect((await prune('--confirm')).code).toBe(0)
    lab.control.removeGuest(201)
    const early = await prune('--confirm')
    expect(early.code).toBe(0)
    expect(early.out).toMatch(/vm 201: 0 of 4 archives removed/)
    expect(early.out).toMatch(/the guest is absent since \S+ \(1 whole list of the site without it\)/)
    expect(await archives()).toBe(24)
    expect((await guestlift('site', 'show', 'hq')).out).toMatch(/vm 201: absent since/)
    await absentFor(9, 3, 201)
    expect((await prune('--confirm')).out).toMatch(/Removed: 2 archives of 6 guests/)
    expect(await archives()).toBe(22)
  })

  it('leaves no trace of a dry run', async () => {
    const before = await bucket.all()
    expect((await prune()).code).toBe(0)
    expect(await bucket.all()).toEqual(before)
  })
})
