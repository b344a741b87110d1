/** Which guests a person means: the job's `guests`, and what `guestlift guests` filters by. */
import * as z from 'zod'
import { guestIdSchema, guestKindSchema } from './nouns.ts'

/** Proxmox's range for guest ids (pve-common JSONSchema, format `pve-vmid`). */
const FIRST_ID = 100
const LAST_ID = 999_999_999
export const vmidSchema = z.int().min(FIRST_ID).max(LAST_ID)

export interface IdRange {
  first: number
  last: number
}

/** `100-199`, both ends inclusive; `undefined` for any other text. */
export function parseIdRange(text: string): IdRange | undefined {
  const [, from, to] = /^([1-9]\d{2,8})-([1-9]\d{2,8})$/.exec(text) ?? []
  const [first, last] = [Number(from), Number(to)]
  return first <= last ? { first, last } : undefined
}

const idRangeSchema = z.string().refine((text) => parseIdRange(text) !== undefined, {
  error: `a range of ids reads 100-199: two ids from ${FIRST_ID} to ${LAST_ID}, the smaller first`,
})

/** What the platform last said of a guest. `unknown`: its node doesn't answer, or reports something else. */
export const guestStateSchema = z.enum(['running', 'stopped', 'paused', 'suspended', 'unknown'])
export type GuestRunState = z.infer<typeof guestStateSchema>

/** Left out: no templates, except those that `vmids` or `ids` names. */
export const templateChoiceSchema = z.enum(['leave-out', 'include', 'only'])
export type TemplateChoice = z.infer<typeof templateChoiceSchema>

/** At least one value, none of them twice: an empty list would choose nothing, and look as if it chose everything. */
function listOf<Value extends z.ZodType<string | number>>(value: Value, what: string) {
  return z
    .array(value)
    .min(1, `name at least one ${what}`)
    .refine((all) => new Set(all).size === all.length, { error: `a ${what} is listed twice` })
    .optional()
}

/**
 * No control character (Unicode's class Cc, spelled out: not every reader of a JSON Schema knows classes), and no blank
 * at either end.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what is meant
const NAME = /^[^\s\u0000-\u001F\u007F-\u009F](?:[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F])?$/

/** A name that can't hide in lists: no blank at either end, no control character. */
function nameOf(what: string) {
  return z.string().max(255).regex(NAME, `a ${what} has at least one character and no blank at its ends`)
}

const keys = {
  vmids: listOf(vmidSchema, 'guest').describe(
    'Exact ids as numbers. A listed id that does not exist counts as a failed guest.',
  ),
  ids: listOf(guestIdSchema, 'guest').describe(
    'Exact ids as text, on every platform: `"100"`, `"i-0abc"` or a GUID. Together with `vmids` and `ranges` they are one key.',
  ),
  ranges: listOf(idRangeSchema, 'range').describe(
    'Ranges of ids as `100-199`. Together with `vmids` and `ids` they are one key.',
  ),
  names: listOf(nameOf('name'), 'name').describe(
    'Names, where `*` stands for any characters and `?` for one. Upper and lower case are the same.',
  ),
  tags: listOf(nameOf('tag'), 'tag').describe('Whole tags. Upper and lower case are the same.'),
  pools: listOf(nameOf('pool'), 'pool').describe('Full names of pools, with their sub-pools: `a` includes `a/b`.'),
  subPools: z.boolean().optional().describe('With `false`, `pools` means only these pools.'),
  nodes: listOf(nameOf('node'), 'node').describe('Names of the nodes where the guests are now.'),
  states: listOf(guestStateSchema, 'state').describe('States that the platform shows.'),
  kinds: listOf(guestKindSchema, 'kind').describe('Virtual machines or containers.'),
  ha: listOf(
    z.string().regex(/^[a-z][a-z_]*$/, 'an HA state has lower-case letters only, as started'),
    'HA state',
  ).describe('High availability: `managed`, `unmanaged`, or a state of the HA manager such as `started`.'),
  templates: templateChoiceSchema
    .optional()
    .describe('Whether templates are taken: `leave-out` (the default), `include`, or `only`.'),
}
type Key = keyof typeof keys
/** Keys that narrow a selection by themselves. `templates` does only with `only`. */
const LIST_KEYS = ['vmids', 'ids', 'ranges', 'names', 'tags', 'pools', 'nodes', 'states', 'kinds', 'ha'] as const
export type ListKey = (typeof LIST_KEYS)[number]
/** What platforms differ in: not every one has pools, tags, or templates. `subPools` goes with `pools`. */
export const SELECTION_KEYS = [...LIST_KEYS, 'templates'] as const
export type SelectionKey = (typeof SELECTION_KEYS)[number]

/** The keys of a filter that narrow it, in their documented order. */
export function narrowingKeys(filter: GuestFilter): ListKey[] {
  return LIST_KEYS.filter((key) => filter[key] !== undefined)
}

const filterSchema = z.strictObject(keys)
/** Keys are ANDed, values of a key ORed; `vmids`, `ids` and `ranges` are one key in that. */
export type GuestFilter = z.output<typeof filterSchema>

/** The ids that a filter names one by one, each once. */
export function namedIds({ vmids = [], ids = [] }: Pick<GuestFilter, 'vmids' | 'ids'>): string[] {
  return [...new Set([...vmids.map(String), ...ids])]
}

const saysOfPools = ({ pools, subPools }: Pick<GuestFilter, 'pools' | 'subPools'>) =>
  pools !== undefined || subPools === undefined
const SUB_POOLS_ALONE = {
  path: ['subPools'],
  error: 'subPools says how pools are meant: name pools, or leave it out',
}

/** Guests to leave out although the rest of the selection takes them in. */
const exclusionSchema = filterSchema
  .refine((filter) => narrowingKeys(filter).length > 0 || (filter.templates ?? 'include') !== 'include', {
    error: `say what to leave out: at least one of ${LIST_KEYS.join(', ')}`,
  })
  .refine(saysOfPools, SUB_POOLS_ALONE)

/**
 * A selection of guests. Each key narrows it (AND), each value of a key widens that key (OR). `exclude` has the same keys,
 * and always wins. `all` takes in every guest, and then only `exclude` and `templates` go with it.
 */
export const guestSelectionSchema = filterSchema
  .extend({
    all: z
      .literal(true, { error: 'all is true, or left out' })
      .optional()
      .describe('Every guest. Only `exclude` and `templates` can be combined with it.'),
    exclude: exclusionSchema
      .optional()
      .describe('Guests to leave out: the same keys without `all`. A guest that matches is always left out.'),
  })
  .check(({ value, issues }) => {
    const refuse = (path: Key[], message: string) => issues.push({ code: 'custom', path, message, input: value })
    const narrowing = narrowingKeys(value)
    if (!saysOfPools(value)) refuse(['subPools'], SUB_POOLS_ALONE.error)
    if (value.all === true) {
      for (const key of narrowing) refuse([key], `all takes in every guest: leave out all to choose by ${key}`)
    } else if (narrowing.length === 0 && value.templates !== 'only') {
      refuse([], `say which guests: all: true, or at least one of ${LIST_KEYS.join(', ')}`)
    }
  })
export type GuestSelection = z.output<typeof guestSelectionSchema>
/** As a person types it. */
export type GuestSelectionInput = z.input<typeof guestSelectionSchema>

/** What became of a run's selection: `runs/…/selection.json`, written when the run is planned. */
export const selectionRecordSchema = z.strictObject({
  version: z.literal(1),
  /** The selection in words. */
  selection: z.string(),
  /** Sentences for the run's report; none where the selection lists ids and no more. */
  notes: z.array(z.string()),
  /** Listed ids that nobody knows. */
  missing: z.array(z.string()),
  /** Every guest that the account sees, by id, and why it is or isn't in the run. */
  guests: z.array(
    z.strictObject({
      id: z.string(),
      kind: guestKindSchema,
      name: z.string(),
      node: z.string(),
      verdict: z.enum(['chosen', 'left-out', 'undecided']),
      reason: z.string(),
    }),
  ),
})
export type SelectionRecord = z.infer<typeof selectionRecordSchema>
