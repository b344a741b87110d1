/** A job's options as parameters of POST /nodes/{n}/vzdump: which exist in which version, and which rights they take. Pure. */
import { AUTO_STORAGE, type BackupOptions } from '../../contracts/backup-options.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { KeepRules } from '../../contracts/retention.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import { notesTemplate, unknownVariables } from './notes-template.ts'
import { isAtLeast } from './versions.ts'

/** A list is one value a repetition of the parameter. */
export type VzdumpParameters = Readonly<Record<string, string | readonly string[]>>

type OptionName = keyof BackupOptions

/**
 * The first version known to have an option's parameter, where not all have it. From the API schemas of 6.4, 7.4, 8.4,
 * 9.1 and 9.2; fleecing came with qemu-server 8.1.2, which is PVE 8.2.
 */
const SINCE: Partial<Record<OptionName, readonly [major: number, minor: number]>> = {
  notes: [7, 4],
  protected: [7, 4],
  performance: [7, 4],
  fleecing: [8, 2],
}

/** What an account needs for an option, beyond VM.Backup on the guest and Datastore.AllocateSpace on the storage. */
const RIGHTS: Partial<Record<OptionName, (options: BackupOptions) => MissingPrivilege[]>> = {
  bwlimitKiBps: () => [{ privilege: 'Sys.Modify', path: '/' }],
  ionice: () => [{ privilege: 'Sys.Modify', path: '/' }],
  performance: () => [{ privilege: 'Sys.Modify', path: '/' }],
  pruneSource: ({ storage }) => [{ privilege: 'Datastore.Allocate', path: storagePath(storage) }],
  fleecing: ({ fleecing }) =>
    fleecing?.enabled === true ? [{ privilege: 'Datastore.AllocateSpace', path: `/storage/${fleecing.storage}` }] : [],
}

function storagePath(storage: string): string {
  return storage === AUTO_STORAGE ? '/storage' : `/storage/${storage}`
}

function isAsked(options: BackupOptions, name: OptionName): boolean {
  if (name === 'notes') return options.notes !== undefined && options.notes !== ''
  if (name === 'protected') return options.protected === true
  if (name === 'fleecing') return options.fleecing?.enabled === true
  return options[name] !== undefined
}

function asked(options: BackupOptions, names: object): OptionName[] {
  return (Object.keys(names) as OptionName[]).filter((name) => isAsked(options, name))
}

/** Options whose parameter this version doesn't have, a sentence for people; `undefined` when it has them all. */
export function refusal(options: BackupOptions, version: string): string | undefined {
  const unknown = asked(options, SINCE).filter((name) => {
    const [major, minor] = SINCE[name] ?? [0, 0]
    return !isAtLeast(version, major, minor)
  })
  if (unknown.length === 0) return undefined
  const list = unknown.map((name) => `backup.${name} (since ${SINCE[name]?.join('.') ?? ''})`).join(', ')
  return `Proxmox VE ${version} doesn't know ${list}. Leave it out of the job, or upgrade the site.`
}

/** What of the notes would come out otherwise than they are written, a sentence for people. */
export function alteredNotes({ notes }: BackupOptions): string | undefined {
  const strange = unknownVariables(notes ?? '')
  if (strange.length === 0) return undefined
  return (
    `backup.notes holds ${strange.join(', ')}, which Proxmox VE takes for a variable. It knows {{cluster}}, {{guestname}}, ` +
    '{{node}} and {{vmid}}; write anything else without the double braces.'
  )
}

/** Whether the answer of `refusal` depends on the version at all. */
export function dependsOnVersion(options: BackupOptions): boolean {
  return asked(options, SINCE).length > 0
}

/** What the options take beyond what every backup takes: each privilege once, with the options that need it. */
export function privilegesOf(options: BackupOptions): MissingPrivilege[] {
  const needed = asked(options, RIGHTS).flatMap((name) =>
    (RIGHTS[name]?.(options) ?? []).map((right) => ({ ...right, name })),
  )
  return [...Map.groupBy(needed, ({ privilege, path }) => `${privilege} ${path}`).values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const { privilege, path } = first
    return [{ privilege, path, neededBy: same.map(({ name }) => `backup.${name}`).join(', ') }]
  })
}

/**
 * The form for one guest's backup, or the sentence why this version can't do it. `remove=0` keeps the platform from
 * pruning by the storage's own rules, which is its default. One guest a job: a list would end in one status for all.
 * `token` marks the job as ours; the oldest version that is spoken to knows notes, and they take no further right.
 * What a kind of guest has no use for isn't sent: fleecing is the VMs', excluded paths are the containers'.
 */
export function vzdumpParameters(
  guest: Pick<Guest, 'id' | 'kind'>,
  options: BackupOptions,
  version: string,
  token?: string,
): { parameters: VzdumpParameters } | { refused: string } {
  const refused = refusal(options, version)
  if (refused !== undefined) return { refused }
  const { pruneSource, fleecing, performance, excludePaths } = options
  const notes = isAsked(options, 'notes') ? (options.notes ?? '') : ''
  return {
    parameters: given({
      vmid: guest.id,
      mode: options.mode,
      compress: options.compress === 'none' ? '0' : options.compress,
      storage: options.storage,
      remove: pruneSource === undefined ? '0' : '1',
      'prune-backups': pruneSource === undefined ? undefined : pruneText(pruneSource),
      'notes-template': notes === '' && token === undefined ? undefined : notesTemplate(notes, token),
      protected: isAsked(options, 'protected') ? '1' : undefined,
      bwlimit: options.bwlimitKiBps,
      ionice: options.ionice,
      zstd: options.zstdThreads,
      pigz: options.pigzThreads,
      lockwait: options.lockWaitMinutes,
      stopwait: options.stopWaitMinutes,
      performance: properties({
        'max-workers': performance?.maxWorkers,
        'pbs-entries-max': performance?.pbsEntriesMax,
      }),
      fleecing:
        guest.kind === 'vm' && fleecing?.enabled === true
          ? properties({ enabled: 1, storage: fleecing.storage })
          : undefined,
      'exclude-path': guest.kind === 'container' ? excludePaths : undefined,
    }),
  }
}

/** Without `keep-all`, which would take back the other rules. */
function pruneText({ 'keep-all': _all, ...rules }: KeepRules): string | undefined {
  return properties(rules)
}

/** The platform's property strings: `name=value,name=value`. `undefined` when nothing is given. */
function properties(values: Readonly<Record<string, string | number | undefined>>): string | undefined {
  const pairs = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  return pairs.length === 0 ? undefined : pairs.join(',')
}

function given(values: Readonly<Record<string, string | number | readonly string[] | undefined>>): VzdumpParameters {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      if (value === undefined) return []
      return [[name, typeof value === 'number' ? String(value) : value]]
    }),
  )
}
