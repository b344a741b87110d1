import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type GuestFilter,
  type GuestSelection,
  guestSelectionSchema,
} from '../../../../functions/contracts/selection.ts'
import type { SelectableGuest } from '../../../../functions/domain/selection/guest-filter.ts'
import { selectGuests } from '../../../../functions/domain/selection/guest-selection.ts'

const guest = (id: number, more: Partial<SelectableGuest> = {}): SelectableGuest => ({
  id: String(id),
  kind: 'vm',
  name: `guest${id}`,
  node: 'pve1',
  state: 'running',
  template: false,
  tags: [],
  ...more,
})
const silent = { name: '', node: 'pve9', state: 'unknown' } as const

const site: SelectableGuest[] = [
  guest(100, { name: 'web01', tags: ['prod', 'Web'], pool: 'shop' }),
  guest(101, { name: 'db01', kind: 'container', node: 'pve2', haState: 'started', state: 'stopped' }),
  guest(205, { name: 'web02', pool: 'shop/test', haState: 'error' }),
  guest(900, { name: 'golden', template: true }),
  { id: '1000', kind: 'vm', tags: [], ...silent },
]

function verdicts(selection: GuestSelection): Record<string, string> {
  return Object.fromEntries(selectGuests(site, selection).decisions.map(({ guest: { id }, verdict }) => [id, verdict]))
}
const chosenBy = (selection: GuestSelection): string[] =>
  Object.entries(verdicts(selection))
    .filter(([, verdict]) => verdict === 'chosen')
    .map(([id]) => id)
const reasonFor = (id: number, selection: GuestSelection): string =>
  selectGuests(site, selection).decisions.find((decision) => decision.guest.id === String(id))?.reason ?? ''

describe('selecting guests', () => {
  it.each<[string, GuestSelection, string[]]>([
    ['ids', { vmids: [205, 100] }, ['100', '205']],
    ['ranges', { ranges: ['100-199', '1000-2000'] }, ['100', '101', '1000']],
    ['ids as text', { ids: ['205', '100'] }, ['100', '205']],
    ['ids in either form, which are one criterion', { vmids: [205], ids: ['100'] }, ['100', '205']],
    ['ids or ranges, which are one criterion', { vmids: [205], ranges: ['101-101'] }, ['101', '205']],
    ['names', { names: ['web*', 'DB??'] }, ['100', '101', '205']],
    ['tags, whatever their case', { tags: ['WEB'] }, ['100']],
    ['pools, with what lies below them', { pools: ['shop'] }, ['100', '205']],
    ['pools alone', { pools: ['shop'], subPools: false }, ['100']],
    ['a sub-pool, without what lies above it', { pools: ['shop/test'] }, ['205']],
    ['no pool whose name only begins alike', { pools: ['sho'] }, []],
    ['all but a pool and what lies below it', { all: true, exclude: { pools: ['shop'] } }, ['101', '1000']],
    ['all but a pool alone', { all: true, exclude: { pools: ['shop'], subPools: false } }, ['101', '205', '1000']],
    ['nodes', { nodes: ['pve2', 'pve9'] }, ['101', '1000']],
    ['states', { states: ['stopped'] }, ['101']],
    ['the state of a silent guest', { states: ['unknown'] }, ['1000']],
    ['kinds', { kinds: ['container'] }, ['101']],
    ['HA', { ha: ['managed'] }, ['101', '205']],
    ['no HA', { ha: ['unmanaged'] }, ['100', '1000']],
    ['a state of HA', { ha: ['error'] }, ['205']],
    ['all, which leaves out templates', { all: true }, ['100', '101', '205', '1000']],
    ['all with templates', { all: true, templates: 'include' }, ['100', '101', '205', '900', '1000']],
    ['only templates', { templates: 'only' }, ['900']],
    ['a template by its id', { vmids: [900] }, ['900']],
    ['a template by its id as text', { ids: ['900'] }, ['900']],
    ['a template by its id, expressly not', { vmids: [900], templates: 'leave-out' }, []],
    [
      'several keys, all of which have to fit',
      { names: ['web*'], pools: ['shop', 'shop/test'], tags: ['prod'] },
      ['100'],
    ],
    ['all but some', { all: true, exclude: { names: ['web*'], kinds: ['vm'] } }, ['101']],
    ['all but an id as text', { all: true, exclude: { ids: ['101'] } }, ['100', '205', '1000']],
    ['all but an id', { all: true, exclude: { vmids: [101] } }, ['100', '205', '1000']],
    ['an id that is excluded', { vmids: [100, 101], exclude: { tags: ['prod'] } }, ['101']],
  ])('by %s', (_, selection, chosen) => {
    expect(guestSelectionSchema.safeParse(selection).success).toBe(true)
    expect(chosenBy(selection)).toEqual(chosen)
  })

  it.each<[string, number, GuestSelection, RegExp]>([
    ['an id', 101, { vmids: [100] }, /^Its id is not among the selected ones\.$/],
    ['a name', 101, { names: ['web*', 'app?'] }, /^Its name db01 doesn't match web\* or app\?\.$/],
    ['a tag', 101, { tags: ['prod'] }, /^It doesn't have tag prod\.$/],
    ['a pool', 205, { pools: ['shop/te'] }, /^It is in pool shop\/test, not in pool shop\/te\.$/],
    ['a sub-pool', 205, { pools: ['shop'], subPools: false }, /shop\/test, a sub-pool of shop, and sub-pools are not/],
    ['a chosen sub-pool', 205, { pools: ['shop'] }, /^It is in pool shop\/test, a sub-pool of shop\.$/],
    ['no pool', 101, { pools: ['shop'] }, /^It is in no pool, not in pool shop\.$/],
    ['a node', 100, { nodes: ['pve2'] }, /^It is on node pve1, not on node pve2\.$/],
    ['a state', 101, { states: ['running'] }, /^It is stopped, not running\.$/],
    ['a kind', 101, { kinds: ['vm'] }, /^It is a container, not a VM\.$/],
    ['HA', 100, { ha: ['managed'] }, /^It is not managed by HA, not managed\.$/],
    ['a template', 900, { all: true }, /^It is a template, and templates are left out/],
    ['an exclusion', 100, { all: true, exclude: { tags: ['prod'] } }, /^It is excluded: it has tag prod\.$/],
    ['a choice', 100, { names: ['web*'], tags: ['prod'] }, /^Its name web01 matches web\* and it has tag prod\.$/],
    ['everything', 100, { all: true }, /^All guests are selected\.$/],
  ])('says why: %s', (_, id, selection, reason) => {
    expect(reasonFor(id, selection)).toMatch(reason)
  })

  it('takes ids that are no numbers by their text alone, and as in no range', () => {
    const others = ['1e2', '0x64', 'i-0abc', 'i-0ABC'].map((id) => ({ ...guest(100), id }))
    const chosen = (selection: GuestSelection) =>
      selectGuests(others, selection).decisions.flatMap(({ guest: { id }, verdict }) =>
        verdict === 'chosen' ? id : [],
      )
    expect(chosen({ ranges: ['100-199'] })).toEqual([])
    expect(chosen({ ids: ['i-0abc'] })).toEqual(['i-0abc'])
    const { missing } = selectGuests(others, { ids: ['i-1', '7', 'i-0abc'], vmids: [100], exclude: { ids: ['7'] } })
    expect(missing).toEqual(['100', 'i-1'])
  })

  it.each<[string, GuestSelection]>([
    ['a name', { names: ['web*'] }],
    ['a state', { states: ['running'] }],
    ['being a template', { templates: 'only' }],
    ['an excluded name', { all: true, exclude: { names: ['web*'] } }],
    ['an excluded state', { all: true, exclude: { states: ['stopped'] } }],
  ])('leaves a guest undecided when its silent node keeps %s to itself, and says so', (_, selection) => {
    expect(verdicts(selection)['1000']).toBe('undecided')
    expect(reasonFor(1000, selection)).toMatch(/node pve9 doesn't report/)
  })

  it.each<[string, GuestSelection, string]>([
    ['another key rules it out', { names: ['web*'], nodes: ['pve1'] }, 'left-out'],
    ['an exclusion takes it anyway', { names: ['web*'], exclude: { nodes: ['pve9'] } }, 'left-out'],
    ['an exclusion can not fit', { all: true, exclude: { names: ['web*'], nodes: ['pve1'] } }, 'chosen'],
  ])('needs no silent node when %s', (_, selection, verdict) => {
    expect(verdicts(selection)['1000']).toBe(verdict)
  })

  it('names listed ids that nobody knows, unless they are excluded by id', () => {
    expect(selectGuests(site, { vmids: [777, 100, 555] }).missing).toEqual(['555', '777'])
    expect(selectGuests(site, { vmids: [777, 555], exclude: { ranges: ['700-799'] } }).missing).toEqual(['555'])
    expect(selectGuests(site, { vmids: [777], exclude: { vmids: [777], tags: ['x'] } }).missing).toEqual(['777'])
  })

  it('names values that fit nobody, in the exclusion too, where a typing error archives too much', () => {
    const { unmatched } = selectGuests(site, {
      tags: ['prod', 'prdo'],
      nodes: ['pve1', 'pve7'],
      states: ['paused'],
      exclude: { pools: ['shpo'], names: ['zzz*'] },
    })
    expect(unmatched.map((sentence) => sentence.replace(/: .* fits /, ' '))).toEqual([
      'guests.tags "prdo".',
      'guests.nodes "pve7".',
      // Whether a silent guest is called so isn't known, so zzz* isn't named.
      'guests.exclude.pools "shpo".',
    ])
  })
})

const someOf = <Value>(...values: Value[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }), { nil: undefined })

const filters = fc
  .record({
    vmids: fc.option(fc.uniqueArray(fc.integer({ min: 100, max: 130 }), { minLength: 1, maxLength: 20 }), {
      nil: undefined,
    }),
    ranges: someOf('100-109', '105-120', '125-999'),
    names: someOf('*', 'a*', '?b', 'B', '*a*b*'),
    tags: someOf('x', 'y', 'Z'),
    pools: someOf('p', 'q', 'p/a'),
    nodes: someOf('n1', 'n2'),
    states: someOf('running' as const, 'stopped' as const, 'unknown' as const),
    kinds: someOf('vm' as const, 'container' as const),
    ha: someOf('managed', 'unmanaged', 'started'),
    templates: fc.option(fc.constantFrom('leave-out' as const, 'include' as const, 'only' as const), {
      nil: undefined,
    }),
  })
  .map((filter) => Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as GuestFilter)

const selections = fc
  .oneof(
    filters.map((filter): unknown => filter),
    fc.record({ all: fc.constant(true), exclude: filters }),
    fc.tuple(filters, filters).map(([wanted, exclude]) => ({ ...wanted, exclude })),
  )
  .map((selection) => guestSelectionSchema.safeParse(selection).data)
  .filter((selection) => selection !== undefined)

const guestsOfASite = fc.uniqueArray(
  fc
    .record({
      id: fc.integer({ min: 100, max: 130 }).map(String),
      kind: fc.constantFrom('vm' as const, 'container' as const),
      name: fc.constantFrom('', 'a', 'b', 'ab', 'bab'),
      node: fc.constantFrom('n1', 'n2', 'n3'),
      state: fc.constantFrom('running' as const, 'stopped' as const, 'unknown' as const),
      template: fc.option(fc.boolean(), { nil: undefined }),
      tags: fc.subarray(['x', 'y', 'z']),
      pool: fc.option(fc.constantFrom('p', 'q', 'p/a', 'p/a/b'), { nil: undefined }),
      haState: fc.option(fc.constantFrom('started', 'error'), { nil: undefined }),
    })
    .map(
      (one) =>
        Object.fromEntries(
          Object.entries(one).filter(([, value]) => value !== undefined),
        ) as unknown as SelectableGuest,
    ),
  { selector: ({ id }) => id },
)

const idsOf = (guests: readonly SelectableGuest[], selection: GuestSelection, verdict: string): Set<string> =>
  new Set(
    selectGuests(guests, selection)
      .decisions.filter((one) => one.verdict === verdict)
      .map((one) => one.guest.id),
  )

describe('any selection of any guests', () => {
  it('decides each guest once, with a sentence, in the order of ids, whatever order the platform lists them in', () => {
    fc.assert(
      fc.property(guestsOfASite, selections, (guests, selection) => {
        const one = selectGuests(guests, selection)
        expect(selectGuests(guests.toReversed(), selection)).toEqual(one)
        const ids = one.decisions.map((decision) => Number(decision.guest.id))
        expect(ids).toEqual(guests.map(({ id }) => Number(id)).sort((a, b) => a - b))
        for (const { reason } of one.decisions) expect(reason).toMatch(/^[A-Z].+\.$/)
      }),
    )
  })

  it('chooses nobody whom its exclusion alone would choose', () => {
    fc.assert(
      fc.property(guestsOfASite, selections, (guests, selection) => {
        if (selection.exclude === undefined) return
        const excluded = idsOf(guests, { templates: 'include', ...selection.exclude }, 'chosen')
        const chosen = idsOf(guests, selection, 'chosen')
        expect([...chosen].filter((id) => excluded.has(id))).toEqual([])
      }),
    )
  })

  it('chooses more, never fewer, for a further value of a key; fewer, never more, for a further key or exclusion', () => {
    fc.assert(
      fc.property(guestsOfASite, selections, filters, (guests, selection, more): void => {
        const chosen = (by: GuestSelection) => idsOf(guests, by, 'chosen')
        const { all: _all, ...narrow } = selection
        const without = (one: Set<string>, other: Set<string>) => [...one].filter((id) => !other.has(id))
        const { tags } = selection
        const wider = tags === undefined ? selection : { ...selection, tags: [...tags, 'further', 'x', 'y', 'z'] }
        expect(without(chosen(selection), chosen(wider))).toEqual([])
        const further = more.tags === undefined || tags !== undefined ? selection : { ...narrow, tags: more.tags }
        const excluding = selection.exclude === undefined ? { ...selection, exclude: more } : selection
        for (const fewer of [further, excluding]) expect(without(chosen(fewer), chosen(selection))).toEqual([])
      }),
    )
  })

  it('changes no certain verdict when a silent node speaks', () => {
    fc.assert(
      fc.property(guestsOfASite, selections, fc.constantFrom('a', 'ab'), (guests, selection, name) => {
        const spoken = guests.map((one) => (one.name === '' ? { ...one, name } : one))
        const before = selectGuests(guests, selection).decisions
        const after = selectGuests(spoken, selection).decisions
        const certain = before.flatMap(({ verdict }, index) =>
          verdict === 'undecided' ? [] : [[index, verdict] as const],
        )
        expect(certain.map(([index]) => after[index]?.verdict)).toEqual(certain.map(([, verdict]) => verdict))
      }),
    )
  })

  it('finds every listed id or reports it missing, and reports none that is there', () => {
    fc.assert(
      fc.property(guestsOfASite, selections, (guests, selection) => {
        const { missing } = selectGuests(guests, selection)
        const there = new Set(guests.map(({ id }) => id))
        expect(missing.filter((id) => there.has(id))).toEqual([])
        const unknown = (selection.vmids ?? []).map(String).filter((id) => !there.has(id))
        // An exclusion may take ids away that nobody knows.
        expect(new Set(missing)).toEqual(new Set(selection.exclude === undefined ? unknown : missing))
      }),
    )
  })
})
