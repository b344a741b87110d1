import { describe, expect, it } from 'vitest'
import { readAgain, readRequest as readRequestOf } from '../../../../functions/domain/selection/request.ts'
import { writtenJobs } from '../../../../functions/providers/registry.ts'

const readRequest = (request: unknown, defaultSite: string | undefined) =>
  readRequestOf(request, defaultSite, writtenJobs)

const older = {
  provider: 'proxmox',
  identifier: 'pve-node1:100',
  output_path: '/backups/proxmox',
  format: 'vzdump',
  compress: true,
  compression_level: 7,
  metadata: { backup_mode: 'snapshot', notes: 'Weekly backup' },
}

describe('reading a request', () => {
  it('fills in what a person leaves out', () => {
    const { job, notes } = readRequest({ site: 'hq', guests: { vmids: [100] } }, undefined)
    expect(job).toEqual({
      site: 'hq',
      guests: { vmids: [100] },
      limits: { timezone: 'UTC', windows: [] },
      backup: { mode: 'snapshot', compress: 'zstd', storage: 'local' },
      deleteSource: false,
      staging: { maxArchives: 4 },
    })
    expect(notes).toEqual([])
  })

  it('passes over the name of a JSON Schema in a job of either shape, and in the request to repeat a run', () => {
    const named = (request: object) => ({ $schema: './schemas/job.schema.json', ...request })
    for (const job of [{ site: 'hq', guests: { vmids: [100] } }, older]) {
      expect(readRequest(named(job), 'hq')).toEqual(readRequest(job, 'hq'))
    }
    expect(readAgain(named({ again: { run: 'first', startedAt: 1 } }))).toEqual({ run: 'first', startedAt: 1 })
    expect(() => readRequest({ $schema: 7, site: 'hq', guests: { vmids: [100] } }, 'hq')).toThrow(/\$schema/)
  })

  it('takes the schedule off the job', () => {
    const schedule = { name: 'nightly', scheduledAt: '2026-11-22T02:00:00Z' }
    const request = readRequest({ site: 'hq', guests: { vmids: [100] }, schedule }, undefined)
    expect(request.schedule).toEqual(schedule)
    expect(request.job).not.toHaveProperty('schedule')
  })

  it('accepts the older shape as it is and says what became of each field', () => {
    const { job, notes } = readRequest(older, 'hq')
    expect(job).toMatchObject({
      site: 'hq',
      guests: { vmids: [100] },
      backup: { mode: 'snapshot', compress: 'zstd', notes: 'Weekly backup' },
    })
    const text = notes.join('\n')
    expect(text).toMatch(/compression_level 7 has no equivalent in vzdump and was ignored/)
    expect(text).toMatch(/node "pve-node1".*hint/)
    expect(text).toMatch(/output_path .* was ignored/)
  })

  it('accepts an identifier without a node', () => {
    expect(readRequest({ provider: 'proxmox', identifier: '101', compress: false }, 'hq').job).toMatchObject({
      guests: { vmids: [101] },
      backup: { compress: 'none' },
    })
  })

  it('wants a site for the older shape when there is no default', () => {
    expect(() => readRequest(older, undefined)).toThrow(/Add "site" to the job/)
  })

  it.each([
    [{ site: 'hq', guests: { vmids: [99] } }, /guests\.vmids\.0/],
    [{ site: 'hq', guests: { vmids: [] } }, /name at least one guest/],
    [{ site: 'hq', guests: { vmids: [100, 100] } }, /listed twice/],
    [{ site: 'hq', guests: { vmids: [100] }, backup: { mode: 'live' } }, /backup\.mode.*snapshot/],
    [{ site: 'hq', guests: { vmids: [100] }, backup: { notes: 'two\nlines' } }, /notes are one line/],
    [{ site: 'h q', guests: { vmids: [100] } }, /site name/],
    [{ site: 'hq', guests: { vmids: [100] }, delteSource: true }, /"delteSource" \(did you mean "deleteSource"\?\)/],
    [{ guests: { vmids: [100] } }, /site/],
    [{ ...older, identifier: 'pve-node1' }, /identifier is node:vmid or vmid/],
    [[], /must be a JSON object/],
    ['job', /must be a JSON object/],
  ])('refuses %j and says where it is wrong', (request, message) => {
    expect(() => readRequest(request, 'hq')).toThrow(message)
    expect(() => readRequest(request, 'hq')).toThrow(expect.objectContaining({ name: 'InvalidJob' }))
  })
})
