import { existsSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BackupOptions, backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import {
  alteredNotes,
  dependsOnVersion,
  privilegesOf,
  refusal,
  vzdumpParameters,
} from '../../../../functions/providers/proxmox/backup-options.ts'
import { missingPrivileges, type Permissions } from '../../../../functions/providers/proxmox/privileges.ts'

const vm = { id: '100', kind: 'vm' } as const
const container = { id: '101', kind: 'container' } as const
const read = (options: object): BackupOptions => backupOptionsSchema.parse(options)

function parametersOf(options: object, guest: typeof vm | typeof container = vm, version = '9.2.11') {
  const mapped = vzdumpParameters(guest, read(options), version)
  if ('refused' in mapped) throw new Error(mapped.refused)
  return mapped.parameters
}

const everything = {
  mode: 'suspend',
  compress: 'zstd',
  storage: 'nas',
  notes: 'nightly of {{guestname}}',
  protected: true,
  bwlimitKiBps: 51_200,
  ionice: 8,
  zstdThreads: 4,
  fleecing: { storage: 'local-lvm' },
  performance: { maxWorkers: 8, pbsEntriesMax: 2_000_000 },
  excludePaths: ['/var/cache', '*.tmp'],
  lockWaitMinutes: 30,
  stopWaitMinutes: 5,
  pruneSource: { 'keep-last': 3, 'keep-weekly': 2 },
}

describe('notes that Proxmox VE would alter', () => {
  it('are told, and those that it expands are not', () => {
    const notes = 'of {{guestname}}, {{foo}} and {{ vmid }}, {"a":{"b":{}}}'
    expect(alteredNotes(read({ notes }))).toMatch(/holds \{\{foo\}\}, \{\{ vmid \}\}, which .*\{\{guestname\}\}/)
    expect(alteredNotes(read({ notes: '{{cluster}} {{guestname}} {{node}} {{vmid}} {x}' }))).toBeUndefined()
  })
})

describe('the options of a backup as parameters', () => {
  it('send what was asked for, and prune nothing unless asked', () => {
    expect(parametersOf({})).toEqual({
      vmid: '100',
      mode: 'snapshot',
      compress: 'zstd',
      storage: 'local',
      remove: '0',
    })
    expect(parametersOf(everything)).toEqual({
      vmid: '100',
      mode: 'suspend',
      compress: 'zstd',
      storage: 'nas',
      remove: '1',
      'prune-backups': 'keep-last=3,keep-weekly=2',
      'notes-template': 'nightly of {{guestname}}',
      protected: '1',
      bwlimit: '51200',
      ionice: '8',
      zstd: '4',
      lockwait: '30',
      stopwait: '5',
      performance: 'max-workers=8,pbs-entries-max=2000000',
      fleecing: 'enabled=1,storage=local-lvm',
    })
  })

  it('send each kind of guest only what it has a use for', () => {
    const parameters = parametersOf(everything, container)
    expect(parameters['exclude-path']).toEqual(['/var/cache', '*.tmp'])
    expect(parameters).not.toHaveProperty('fleecing')
  })

  it('keep a zero that means something', () => {
    expect(parametersOf({ bwlimitKiBps: 0, lockWaitMinutes: 0, zstdThreads: 0 })).toMatchObject({
      bwlimit: '0',
      lockwait: '0',
      zstd: '0',
    })
  })

  it('are refused by name where the version has no such parameter', () => {
    const options = read({ fleecing: { storage: 'fast' }, bwlimitKiBps: 1 })
    expect(refusal(options, '8.1.11')).toMatch(/^Proxmox VE 8\.1\.11 doesn't know backup\.fleecing \(since 8\.2\)\./)
    expect(refusal(options, '8.2.0')).toBeUndefined()
    expect(refusal(read({ fleecing: { enabled: false, storage: 'fast' } }), '7.4-16')).toBeUndefined()
    expect(dependsOnVersion(read({ bwlimitKiBps: 1 }))).toBe(false)
  })
})

describe('a job', () => {
  it.each([
    [{ zstdThreads: 2, compress: 'gzip' }, /zstdThreads goes with/],
    [{ pigzThreads: 2 }, /pigzThreads goes with/],
    [{ pruneSource: {} }, /needs a rule/],
    [{ pruneSource: { 'keep-all': true } }, /needs a rule/],
    [{ pruneSource: { 'keep-last': 0 } }, /needs a rule/],
    [{ performance: {} }, /needs maxWorkers/],
    [{ ionice: 9 }, /ionice|<=8/],
    [{ excludePaths: ['a\nb'] }, /control characters/],
    [{ excludePath: ['/tmp'] }, /excludePath/],
  ])('with %j is refused before anything is asked', (options, complaint) => {
    const { error } = backupOptionsSchema.safeParse(options)
    expect(error?.message).toMatch(complaint)
  })
})

describe('privileges that options need of their own', () => {
  const base: Permissions = {
    '/vms': { 'VM.Audit': 1, 'VM.Backup': 1 },
    '/storage': { 'Datastore.AllocateSpace': 1, 'Datastore.Audit': 1 },
  }
  const lacking = (permissions: Permissions, options: BackupOptions) =>
    missingPrivileges(permissions, {
      guestIds: ['100'],
      storage: options.storage,
      deleteSource: false,
      options,
    }).map(({ privilege, path, neededBy }) => `${privilege} ${path} for ${neededBy ?? 'any'}`)

  it('are none for options that everybody may use', () => {
    const free = read({ protected: true, notes: 'n', zstdThreads: 2, lockWaitMinutes: 1, excludePaths: ['/x'] })
    expect(privilegesOf(free)).toEqual([])
    expect(lacking(base, free)).toEqual([])
  })

  it('are named once, with path and options', () => {
    expect(lacking(base, read(everything))).toEqual([
      'Sys.Modify / for backup.bwlimitKiBps, backup.ionice, backup.performance',
      'Datastore.Allocate /storage/nas for backup.pruneSource',
    ])
  })

  it('include space for fleecing on its own storage', () => {
    const own: Permissions = { ...base, '/storage/fast': { 'Datastore.Audit': 1 } }
    expect(lacking(own, read({ fleecing: { storage: 'fast' } }))).toEqual([
      'Datastore.AllocateSpace /storage/fast for backup.fleecing',
    ])
  })

  it('may be held on any one storage when the storage is chosen later', () => {
    const auto = read({ storage: 'auto', pruneSource: { 'keep-last': 1 } })
    const one: Permissions = {
      '/vms': { 'VM.Audit': 1, 'VM.Backup': 1 },
      '/storage/nas': { 'Datastore.AllocateSpace': 1, 'Datastore.Audit': 1, 'Datastore.Allocate': 1 },
    }
    expect(lacking(one, auto)).toEqual([])
    expect(lacking(base, auto)).toEqual(['Datastore.Allocate /storage for backup.pruneSource'])
    expect(lacking({ '/vms': { 'VM.Audit': 1, 'VM.Backup': 1 } }, read({ storage: 'auto' }))).toEqual([
      'Datastore.AllocateSpace /storage for any',
      'Datastore.Audit /storage for any',
    ])
  })
})

interface Parameter {
  type: string
  enum?: string[]
  minimum?: number
  maximum?: number
  typetext?: string
  requires?: string
  in?: string[]
}

const schemaFile = new URL('../../../../../shared/facts/pve-api-schema.json', import.meta.url)
const versions = ['6.4-15', '7.4-16', '8.4.5', '9.1.3', '9.2.3']

/** What the server's own schema check would say of a form. */
function complaints(
  schema: Record<string, Parameter>,
  version: string,
  form: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(form).flatMap(([name, value]) => {
    const parameter = schema[name]
    if (parameter === undefined) return [`${name} is not in any schema`]
    if (parameter.in !== undefined && !parameter.in.includes(version)) return [`${name} is not in ${version}`]
    if (parameter.requires !== undefined && form[parameter.requires] === undefined) {
      return [`${name} needs ${parameter.requires}`]
    }
    if (Array.isArray(value)) return parameter.type === 'array' ? [] : [`${name} is no array`]
    const text = String(value)
    if (parameter.type === 'boolean') return /^[01]$/.test(text) ? [] : [`${name}=${text} is no boolean`]
    if (parameter.type === 'integer') {
      const number = Number(text)
      const fits =
        /^\d+$/.test(text) &&
        number >= (parameter.minimum ?? Number.NEGATIVE_INFINITY) &&
        number <= (parameter.maximum ?? Number.POSITIVE_INFINITY)
      return fits ? [] : [`${name}=${text} is no integer in its range`]
    }
    if (parameter.enum !== undefined) return parameter.enum.includes(text) ? [] : [`${name}=${text} is no choice`]
    // Property strings: every name that is sent is one that the schema shows.
    const known = [...(parameter.typetext ?? '').matchAll(/([a-z][a-z-]*)=/g)].map(([, word]) => word)
    if (known.length === 0) return []
    const names = text.split(',').map((pair) => pair.split('=')[0] ?? '')
    return names.filter((word) => !known.includes(word)).map((word) => `${name}: ${word}`)
  })
}

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined })
const storage = fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,20}[A-Za-z0-9]$/)
const keep = maybe(fc.integer({ min: 1, max: 1000 }))
const anyOptions = fc
  .record({
    mode: fc.constantFrom('snapshot', 'suspend', 'stop'),
    compress: fc.constantFrom('zstd', 'gzip', 'lzo', 'none'),
    storage,
    notes: maybe(fc.string({ maxLength: 60, unit: 'grapheme' })),
    protected: maybe(fc.boolean()),
    bwlimitKiBps: maybe(fc.nat()),
    ionice: maybe(fc.integer({ min: 0, max: 8 })),
    zstdThreads: maybe(fc.integer({ min: 0, max: 64 })),
    pigzThreads: maybe(fc.integer({ min: 0, max: 64 })),
    fleecing: maybe(fc.record({ enabled: fc.boolean(), storage })),
    performance: maybe(
      fc.record({ maxWorkers: maybe(fc.integer({ min: 1, max: 256 })), pbsEntriesMax: maybe(fc.integer({ min: 1 })) }),
    ),
    excludePaths: maybe(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 })),
    lockWaitMinutes: maybe(fc.nat({ max: 10_080 })),
    stopWaitMinutes: maybe(fc.nat({ max: 10_080 })),
    pruneSource: maybe(fc.record({ 'keep-last': keep, 'keep-daily': keep, 'keep-yearly': keep })),
  })
  .map((options) => backupOptionsSchema.safeParse(options).data)
  .filter((options) => options !== undefined)

describe.skipIf(!existsSync(schemaFile))('requests against the schemas of five versions (skipped without them)', () => {
  const { endpoints } = JSON.parse(existsSync(schemaFile) ? readFileSync(schemaFile, 'utf8') : '{"endpoints":[]}') as {
    endpoints: { method: string; path: string; parameters: Record<string, Parameter> }[]
  }
  const vzdump = endpoints.find(({ method, path }) => method === 'POST' && path === '/nodes/{node}/vzdump')
  const schema = vzdump?.parameters ?? {}

  it('would be told apart from wrong ones', () => {
    expect(complaints(schema, '9.2.3', { vmid: '100', storage: 's', compress: 'zstd' })).toEqual([])
    expect(complaints(schema, '7.4-16', { fleecing: 'enabled=1,storage=x' })).toEqual(['fleecing is not in 7.4-16'])
    expect(complaints(schema, '9.2.3', { protected: 'true', storage: 's' })).toHaveLength(1)
    expect(complaints(schema, '9.2.3', { 'prune-backups': 'keep-some=1' })).toHaveLength(1)
    expect(complaints(schema, '9.2.3', { performance: 'workers=1', fleecing: 'on=1' })).toHaveLength(2)
  })

  it.each(versions)('of %s hold for every combination of options, or it is refused by name', (version) => {
    fc.assert(
      fc.property(anyOptions, fc.constantFrom(vm, container), (options, guest) => {
        const mapped = vzdumpParameters(guest, options, version)
        const wrong =
          'refused' in mapped
            ? [mapped.refused].filter((text) => !/backup\.\w+ \(since \d\.\d\)/.test(text))
            : complaints(schema, version, mapped.parameters)
        expect(wrong).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  it('are refused by none of the three newest, whatever is asked', () => {
    fc.assert(
      fc.property(anyOptions, fc.constantFrom('8.4.5', '9.1.3', '9.2.3'), (options, version) => {
        expect(refusal(options, version)).toBeUndefined()
      }),
    )
  })
})
