/** Whole runs against stores of each kind: what their archives are proved by, and that a wrong byte is found. */
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { crc32ToBase64 } from '../../functions/domain/transfer/crc32.ts'
import type { Lack } from '../../local/s3/lacks.ts'
import { openSite, type Site } from './harness.ts'

const job = { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' } }

let site: Site | undefined
afterEach(async () => {
  await site?.close()
  site = undefined
})

async function siteWith(...lacks: Lack[]): Promise<Site> {
  site = await openSite({ lacks })
  return site
}

async function manifestOf(key = '') {
  return manifestSchema.parse(JSON.parse((await site?.text(key)) ?? ''))
}

describe('a run against a store', () => {
  it.each<[string, Lack[], string, RegExp[]]>([
    [
      'that refuses the headers of checksums',
      ['checksum-headers'],
      'part-checksums',
      [/computes no CRC-32.*MD5 of each/],
    ],
    [
      'that knows CRC-64/NVME alone, and keeps no conditions',
      ['full-object-crc32', 'conditions'],
      'part-checksums',
      [/computes no CRC-32/, /use it from this machine and user alone/],
    ],
    [
      'whose ETags say nothing',
      ['checksums', 'hash-of-hashes', 'part-hashes'],
      'read-back',
      [/each archive is read back whole/],
    ],
  ])('%s archives a guest, and its manifest says by what it is proved', async (_name, lacks, level, notes) => {
    const here = await siteWith(...lacks)
    const { result, report, guests } = await here.run(job)
    expect(result.status).toBe('SUCCEEDED')
    expect(report?.notes).toEqual(notes.map((note) => expect.stringMatching(note) as string))
    const [artifact] = (await manifestOf(guests['100']?.manifestKey)).artifacts
    expect(artifact?.proof?.level).toBe(level)
    const found = here.lab.control.archives().find(({ file }) => artifact?.key.endsWith(`/${file}`))
    expect(artifact?.checksum).toBe(`CRC32:${crc32ToBase64(crc32(readFileSync(found?.path ?? '')))}`)
    expect(await here.keys('uploads/')).toEqual([])
    const stores = join(process.env['XDG_STATE_HOME'] ?? '', 'guestlift', 'stores')
    const [folder = ''] = await readdir(stores)
    // No lock is left, and what is known of the store.
    const known = await readdir(join(stores, folder))
    expect(known.toSorted()).toEqual(lacks.includes('conditions') ? ['one-machine', 'proof'] : ['proof'])
  })
})
