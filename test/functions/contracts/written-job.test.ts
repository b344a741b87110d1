import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { jobSchema, writtenJob } from '../../../functions/contracts/job.ts'
import { besideBlock } from '../../../functions/contracts/written-backup.ts'
import { foreignOptions } from '../../../functions/domain/selection/foreign-options.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'

const golden = fileURLToPath(new URL('../../golden/job/', import.meta.url))
const base = { site: 'hq', guests: { all: true } }
/** With a platform whose options have nothing in common with Proxmox VE's. */
const twoPlatforms = writtenJob({
  blocks: { proxmox: besideBlock, island: z.strictObject({ shelf: z.enum(['near', 'far']).default('near') }) },
  beside: 'proxmox',
})
const backup = (its: object, schema: z.ZodType = twoPlatforms) => {
  const { data, error } = schema.safeParse({ ...base, backup: its })
  return error === undefined ? (data as { backup: object }).backup : validationMessage(error)
}

describe('the options of a job', () => {
  it.each<[object]>([
    [{}],
    [{ compress: 'gzip', pigzThreads: 4 }],
    [{ mode: 'stop', storage: 'nas', stopWaitMinutes: 5, protected: true }],
    [{ fleecing: { storage: 'fast' }, performance: { maxWorkers: 8 }, pruneSource: { 'keep-last': 3 } }],
    [{ excludePaths: ['/tmp/*'], bwlimitKiBps: 0, ionice: 8 }],
  ])('mean the same beside the common ones and in the block of the platform: %j', (options) => {
    const flat = backup({ notes: 'weekly', ...options })
    expect(flat).toEqual(jobSchema.parse({ ...base, backup: { notes: 'weekly', ...options } }).backup)
    expect(backup({ notes: 'weekly', proxmox: options })).toEqual(flat)
    expect(backup({ notes: 'weekly', ...options, proxmox: options })).toEqual(flat)
    // As text, too: that is how two jobs are compared.
    expect(JSON.stringify(backup({ proxmox: options, notes: 'weekly' }))).toBe(JSON.stringify(flat))
  })

  it.each(readdirSync(golden))('mean in a job that was ever kept what they meant: %s', (file) => {
    const job: unknown = JSON.parse(readFileSync(`${golden}${file}`, 'utf8'))
    expect(twoPlatforms.parse(job)).toEqual(jobSchema.parse(job))
  })

  it('may stand partly here and partly there', () => {
    expect(backup({ storage: 'nas', proxmox: { compress: 'lzo' } })).toEqual({
      mode: 'snapshot',
      compress: 'lzo',
      storage: 'nas',
    })
  })

  it.each<[string, object, RegExp]>([
    [
      'say two things',
      { compress: 'zstd', proxmox: { compress: 'gzip' } },
      /^backup\.proxmox\.compress: backup\.compress says "zstd", and this "gzip": keep one/,
    ],
    [
      'are of two platforms',
      { proxmox: {}, island: {} },
      /^backup\.island: a job is for one site, .* keep proxmox or island/,
    ],
    [
      'are of one platform and the block of another',
      { mode: 'stop', island: {} },
      /^backup\.mode: is an option of the platform proxmox, .* island/,
    ],
    [
      'are unknown to the block',
      { proxmox: { compres: 'zstd' } },
      /^backup\.proxmox: .*"compres" \(did you mean "compress"\?\)/,
    ],
    ['are common ones in the block', { proxmox: { notes: 'x' } }, /^backup\.proxmox: Unrecognized key: "notes"/],
    ['are for no platform', { promox: {} }, /^backup: .*"promox" \(did you mean "proxmox"\?\)/],
    ['are for no platform, as records spell it', { own: { promox: {} } }, /^backup: .*"promox" \(did you mean/],
    ['stand in two places', { island: {}, own: { island: {} } }, /^backup: Unrecognized key: "own"/],
    [
      'do not go together, in either place',
      { proxmox: { zstdThreads: 2 }, compress: 'gzip' },
      /^backup\.zstdThreads: zstdThreads goes with/,
    ],
  ])('are refused when they %s', (_, options, message) => {
    expect(backup(options)).toMatch(message)
  })

  it('hold what the job asks for in rules of the whole job, wherever they stand', () => {
    const { error } = twoPlatforms.safeParse({ ...base, deleteSource: true, backup: { proxmox: { protected: true } } })
    expect(error?.issues.map(({ path }) => path)).toEqual([['deleteSource']])
  })

  it("keep another platform's own as that platform reads them", () => {
    const options = { notes: 'weekly', skipDisks: ['disk-2'], island: {} }
    expect(backup(options)).toMatchObject({
      notes: 'weekly',
      skipDisks: ['disk-2'],
      own: { island: { shelf: 'near' } },
    })
    // What functions and records read is what was written.
    const job = twoPlatforms.parse({ ...base, backup: options })
    expect(jobSchema.parse(JSON.parse(JSON.stringify(job)))).toEqual(job)
    // A schedule keeps it so, and it is read again.
    expect(twoPlatforms.parse(JSON.parse(JSON.stringify(job)))).toEqual(job)
  })
})

describe('options that a platform does not know', () => {
  const of = (its: object) => jobSchema.parse({ ...base, backup: its }).backup

  it('are those that were asked for, and the blocks of others', () => {
    expect(foreignOptions(of({}), 'island', ['notes'])).toEqual([])
    expect(foreignOptions(of({ notes: 'x', own: { island: {} } }), 'island', ['notes'])).toEqual([])
    const asked = of({ mode: 'stop', protected: true, own: { proxmox: {}, island: {} } })
    expect(foreignOptions(asked, 'island', ['notes'])).toEqual(['backup.mode', 'backup.protected', 'backup.proxmox'])
  })
})
