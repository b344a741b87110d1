/** A storage whose own retention is reached: what the plan says of it, and what the platform does. */
import { evidenceOf } from '../../functions/providers/gathered.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { backupOptionsSchema } from '../../../functions/contracts/backup-options.ts'
import { openSiteBench, type SiteBench } from './site-bench.ts'

const guest = { id: '101', kind: 'container', name: 'db01', node: 'pve1' } as const
const options = backupOptionsSchema.parse({ storage: 'local' })

describe('a storage with a retention of its own', () => {
  let directory: string
  let bench: SiteBench
  let held: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'guestlift-limit-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  beforeEach(async () => {
    bench = await openSiteBench({ storages: [{ id: 'local', pruneBackups: 'keep-last=1,keep-daily=1' }] })
    held = await bench.backUp('101')
    bench.lab.control.advanceClock(60)
    await bench.backUp('101')
  })
  afterEach(() => bench.close())

  const refusal = (changes: Partial<typeof options> = {}) =>
    bench.provider.storages.refusalByRetention?.(guest, { ...options, ...changes })

  async function howItEnds(): Promise<string> {
    const { jobRef } = await bench.provider.start(guest, options)
    await bench.lab.control.endOfTask(jobRef)
    const { exitStatus, guestFailure } = await evidenceOf(bench.provider, jobRef, guest, 'local')
    return guestFailure ?? exitStatus
  }

  it('is full once it holds as many backups as all its rules together, and the platform agrees', async () => {
    expect(await refusal()).toMatch(
      /^Storage local takes at most 2 backups of a guest \(its retention is keep-last=1,keep-daily=1\) and holds 2 of guest 101/,
    )
    expect(await refusal()).toMatch(/backup\.pruneSource.*deleteSource.*pvesm set local --prune-backups keep-all=1/)
    expect(await howItEnds()).toMatch(/max backup limit of 2/)
  })

  it('is not full for another guest, for one that is protected, nor for a job that prunes there', async () => {
    expect(
      await bench.provider.storages.refusalByRetention?.({ ...guest, id: '100', kind: 'vm' }, options),
    ).toBeUndefined()
    expect(await refusal({ pruneSource: { 'keep-last': 1 } })).toBeUndefined()
    await bench.provider.archivesOnPlatform.editMarks(held, 'pve1', { protected: true })
    expect(await refusal()).toBeUndefined()
    expect(await howItEnds()).toBe('OK')
  })

  it('is told by the plan, with the ways out', async () => {
    const job = join(directory, 'job.json')
    writeFileSync(job, JSON.stringify({ site: 'hq', guests: { vmids: [100, 101] }, backup: { storage: 'local' } }))
    const { code, stdout } = await bench.guestlift('plan', job)
    expect(stdout).toMatch(/^Would fail \(1\)\n +101 .*Storage local takes at most 2 backups.*three ways out/m)
    expect(stdout).toMatch(/^Would be archived \(1\)\n +100/m)
    // Something would be archived.
    expect(code).toBe(0)
  })
})
