/** Perl writes a text as a JSON number once somebody has counted with it: each field that is a text is read either way. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type * as z from 'zod'
import { selectGuests } from '../../../../functions/domain/selection/guest-selection.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import * as guestSchemas from '../../../../functions/providers/proxmox/guest-schemas.ts'
import * as schemas from '../../../../functions/providers/proxmox/schemas.ts'
import { storageStateRowsSchema } from '../../../../functions/providers/proxmox/storage-state.ts'
import { data, startServer } from './scripted-server.ts'
import { shortLimits, siteFor, surroundings } from './site.ts'

type Row = Record<string, unknown>
const guestRow = { vmid: 100, type: 'qemu', node: 'pve1', name: 'web', tags: 'prod', pool: 'shop' }
const archiveRow = { volid: 'nas:backup/x.vma', size: 1, ctime: 2, format: 'vma', subtype: 'qemu', notes: 'n' }

/** Schema, a row that it takes, and its fields that are texts which people choose or that are spelled with digits. */
const lists: [string, z.ZodType, Row, string[]][] = [
  ['guests', guestSchemas.guestRecordRowsSchema, guestRow, ['node', 'name', 'lock', 'hastate', 'tags', 'pool']],
  ['guests under HA', guestSchemas.haResourceRowsSchema, { sid: 'vm:100', state: 'started' }, ['sid', 'state']],
  ['replication', guestSchemas.replicationRowsSchema, { guest: '100', target: 'pve2' }, ['guest', 'target']],
  [
    'the state of replication',
    guestSchemas.replicationStateRowsSchema,
    { guest: '100', target: 'pve2', schedule: '*/5' },
    ['guest', 'target', 'schedule', 'error'],
  ],
  ['nodes', schemas.nodeRowsSchema, { node: 'pve1', status: 'online' }, ['node', 'status']],
  ['realms', schemas.realmRowsSchema, { realm: 'pve', type: 'pve' }, ['realm', 'type']],
  ['archives', schemas.archiveRowsSchema, archiveRow, ['format', 'subtype', 'vmid', 'notes', 'encrypted']],
  [
    'storages',
    schemas.storageRowsSchema,
    { storage: 'nas', node: 'pve1', content: 'backup' },
    ['storage', 'node', 'content'],
  ],
  ['states of storages', storageStateRowsSchema, { storage: 'nas', type: 'dir' }, ['storage', 'type', 'content']],
  ['lines of a log', schemas.logLinesSchema, { n: 1, t: 'INFO' }, ['t']],
  ['tasks', schemas.taskRowsSchema, { upid: 'UPID:', status: 'OK' }, ['status']],
  ['own tasks', schemas.ownTaskRowsSchema, { upid: 'UPID:', status: 'OK' }, ['status']],
]
const objects: [string, z.ZodType, Row, string[]][] = [
  ['the version', schemas.versionSchema, { version: '9.2' }, ['version']],
  ['the state of a guest', schemas.guestStatusSchema, { status: 'running' }, ['lock', 'qmpstatus']],
  ['the state of a task', schemas.taskStatusSchema, { status: 'stopped' }, ['exitstatus']],
  ['the marks of an archive', schemas.archiveMarksSchema, { notes: 'n' }, ['notes']],
  ['a volume', schemas.volumeSchema, { path: '/a' }, ['notes']],
  ['an error', schemas.errorBodySchema, {}, ['message']],
]
const fieldsOf = (all: typeof lists) =>
  all.flatMap(([what, schema, row, fields]) => fields.map((field) => [what, field, schema, row] as const))
const numbers = fc.oneof(fc.nat(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))

describe('a text that comes as a number', () => {
  it.each(fieldsOf(lists))('is read in the list of %s: %s', (_what, field, schema, row) => {
    fc.assert(
      fc.property(numbers, (number) => {
        const asText = schema.parse([{ ...row, [field]: String(number) }])
        expect(asText).toHaveLength(1)
        expect(schema.parse([{ ...row, [field]: number }])).toEqual(asText)
      }),
      { numRuns: 30 },
    )
  })

  it.each(fieldsOf(objects))('is read in %s: %s', (_what, field, schema, row) => {
    fc.assert(
      fc.property(numbers, (number) => {
        const asText = schema.parse({ ...row, [field]: String(number) })
        expect(schema.parse({ ...row, [field]: number })).toEqual(asText)
      }),
      { numRuns: 30 },
    )
  })

  it('keeps a guest among those that its tag, pool or name excludes, and among those that they select', async () => {
    const rows = [
      { ...guestRow, vmid: 100, tags: ['prod', 2024] },
      { ...guestRow, vmid: 101, pool: 7 },
      { ...guestRow, vmid: 102, name: 42 },
      { ...guestRow, vmid: 103, maxcpu: '4', maxmem: '1024' },
    ]
    const server = await startServer(({ path }) =>
      data(path.includes('type=vm') ? rows : path.includes('/permissions') ? { '/': { 'VM.Audit': 1 } } : []),
    )
    const provider = openProxmox('hq', siteFor(server), surroundings(), shortLimits)
    const { guests } = await provider.listGuests()
    await provider.close()
    await server.close()
    expect(guests[3]).toMatchObject({ cpus: 4, memoryBytes: 1024 })
    const named = { tags: ['2024'], pools: ['7'], names: ['42'] }
    for (const [key, values] of Object.entries(named)) {
      const verdicts = (selection: object) =>
        selectGuests(guests, selection).decisions.map(({ verdict }) => verdict === 'chosen')
      const excluded = verdicts({ all: true, exclude: { [key]: values } })
      expect(excluded.filter((chosen) => !chosen)).toHaveLength(1)
      expect(verdicts({ [key]: values })).toEqual(excluded.map((chosen) => !chosen))
    }
  })
})
