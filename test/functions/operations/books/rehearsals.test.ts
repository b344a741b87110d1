import { describe, expect, it } from 'vitest'
import type { DrillEvidence } from '../../../../functions/contracts/drill.ts'
import { drillEvidenceKey } from '../../../../functions/domain/books/object-keys.ts'
import {
  noteRehearsal,
  readRehearsals,
  rehearsalsOfArchive,
  showRehearsals,
} from '../../../../functions/operations/books/rehearsals.ts'
import { evidenceOf } from '../../../fakes/drill-evidence.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const BOOK = 'drills/sites/hq.json'
const of = (id: string, changes: Partial<DrillEvidence> = {}) =>
  evidenceOf(`drill-${id}`, { guest: { kind: 'vm', id, name: 'web' }, ...changes })

function scene() {
  const store = new MemoryStore()
  const ports = { store, keyPrefix: '' }
  const keyOf = ({ restoreId, startedAt }: DrillEvidence) => drillEvidenceKey('', restoreId, startedAt)
  const leave = (evidence: DrillEvidence) => store.writeText(keyOf(evidence), JSON.stringify(evidence))
  const note = (evidence: DrillEvidence) => noteRehearsal(evidence, keyOf(evidence), ports)
  const ids = async () => (await readRehearsals('hq', ports)).guests.map(({ id }) => id)
  return { store, ports, keyOf, leave, note, ids }
}

describe('the book of a site’s rehearsals', () => {
  it('that is missing is read anew from the evidence of its site, and from nothing else', async () => {
    const { store, leave, ids } = scene()
    await leave(of('100'))
    await leave(of('101', { site: 'branch' }))
    await store.writeText('drills/2026/11/20/drill-102.json', '<html></html>')
    await store.writeText('drills/2026/11/20/drill-1/plan.json', '{}')
    expect(await ids()).toEqual(['100'])
    expect(await store.readText(BOOK)).toBeUndefined()
  })

  it('loses nothing when two write at once', async () => {
    const { store, ports, leave, note, ids } = scene()
    const all = ['100', '101', '102', '103'].map((id) => of(id))
    for (const evidence of all) await leave(evidence)
    await Promise.all(all.map(note))
    expect(await ids()).toEqual(['100', '101', '102', '103'])
    const before = await store.readText(BOOK)
    await note(of('100'))
    expect(await store.readText(BOOK)).toEqual(before)
    expect((await readRehearsals('branch', ports)).guests).toEqual([])
  })

  it('that cannot be read, or is of another site, is an error and stays as it is', async () => {
    const { store, ports, note } = scene()
    for (const text of ['<html></html>', '{"version":1', '{"version":1,"site":"branch","guests":[]}']) {
      await store.writeText(BOOK, text)
      await expect(readRehearsals('hq', ports)).rejects.toMatchObject({ name: 'RecordUnreadable' })
      await expect(note(of('100'))).rejects.toMatchObject({ name: 'RecordUnreadable' })
      expect(await showRehearsals('hq', ports, { keep: true })).toMatchObject({
        unknown: expect.stringContaining(BOOK),
      })
      expect((await store.readText(BOOK))?.text).toBe(text)
    }
    await store.writeText(BOOK, '{"version":2,"site":"hq","guests":[]}')
    expect(await showRehearsals('hq', ports)).toMatchObject({ unknown: expect.stringContaining('version 2') })
  })
})

describe('the rehearsals of one archive', () => {
  const archive = { site: 'hq', guest: { kind: 'vm' as const, id: '100' }, createdAt: '2026-11-19T02:00:07.000Z' }
  const day = (at: string, changes: Partial<DrillEvidence> = {}) =>
    of('100', {
      restoreId: `drill-${at}`,
      startedAt: `${at}T05:00:00.000Z`,
      endedAt: `${at}T05:05:00.000Z`,
      ...changes,
    })
  const other = (at: string, createdAt: string) => day(at, { archive: { ...day(at).archive, createdAt } })
  const known = { last: { archiveCreatedAt: 'another', passed: true } as never }

  it('are found in the evidence since it was made, those of other archives and guests left aside', async () => {
    const { leave, ports } = scene()
    await leave(day('2026-11-20'))
    await leave(day('2026-11-21', { passed: false }))
    await leave(other('2026-11-22', '2026-11-21T02:00:00.000Z'))
    await leave(day('2026-11-23', { guest: { kind: 'vm', id: '101', name: 'db' } }))
    await leave(day('2026-11-24', { guest: { kind: 'container', id: '100', name: 'ct' } }))
    expect(await rehearsalsOfArchive(archive, known, ports)).toMatchObject({
      last: { at: '2026-11-21T05:05:00.000Z', passed: false },
      lastPassed: { at: '2026-11-20T05:05:00.000Z' },
    })
  })

  it('are not looked for before it was made, by the time that can be trusted', async () => {
    const { leave, ports } = scene()
    await leave(day('2026-11-17'))
    expect(await rehearsalsOfArchive(archive, known, ports)).toBeUndefined()
    await leave(day('2026-11-18'))
    expect(await rehearsalsOfArchive(archive, known, ports)).toMatchObject({ last: { at: '2026-11-18T05:05:00.000Z' } })
    const late = { ...archive, at: '2026-11-25T02:00:00.000Z' }
    expect(await rehearsalsOfArchive(late, known, ports)).toBeUndefined()
  })

  it('are those of its guest where the last of them passed with it, or where there is none: nothing is read', async () => {
    const { store, leave, ports } = scene()
    await leave(day('2026-11-20'))
    store.listKeys = () => Promise.reject(new Error('it was read'))
    const last = { archiveCreatedAt: archive.createdAt, passed: true } as never
    expect(await rehearsalsOfArchive(archive, { last }, ports)).toEqual({ last })
    expect(await rehearsalsOfArchive(archive, undefined, ports)).toBeUndefined()
    const failed = { archiveCreatedAt: archive.createdAt, passed: false } as never
    await expect(rehearsalsOfArchive(archive, { last: failed }, ports)).rejects.toThrow('it was read')
  })
})
