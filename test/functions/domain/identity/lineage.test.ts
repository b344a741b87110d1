import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineagesOf, standingsOf, type Traces } from '../../../../functions/domain/identity/lineage.ts'

const old = { id: 'smbios:1' }
const young = { id: 'smbios:2' }

let hours = 0
/** Each was written an hour after the one before it. */
function traces(name: string, its: Partial<Traces> = {}): Traces {
  hours += 1
  return { name, writtenAt: new Date(Date.UTC(2026, 10, 1, hours)).toISOString(), ...its }
}
const names = (archives: readonly (Traces | undefined)[]) =>
  lineagesOf(archives, (one) => one).lineages.map((lineage) => lineage.archives.map((one) => one?.name))

describe('the archives under one id', () => {
  it('are of two guests where the id was given again', () => {
    const archives = [traces('payroll-db', { identity: old }), traces('scratch', { identity: young })]
    expect(names(archives)).toEqual([['payroll-db'], ['scratch']])
  })

  it('are of one guest that was renamed', () => {
    const archives = [traces('web', { identity: old }), traces('www', { identity: old })]
    expect(lineagesOf(archives, (one) => one).lineages).toEqual([
      { identity: old, name: 'www', writtenAt: archives[1]?.writtenAt, archives },
    ])
  })

  it('go on where they ended when the guest before was restored', () => {
    const archives = [
      traces('a1', { identity: old }),
      traces('b', { identity: young }),
      traces('a2', { identity: old }),
    ]
    expect(names(archives)).toEqual([['b'], ['a1', 'a2']])
  })

  it('are of two guests that were given one identity, where a witness tells', () => {
    const at = (witness: string) => ({ identity: { ...old, witness } })
    expect(names([traces('a', at('1')), traces('b', { identity: old }), traces('c', at('2'))])).toEqual([
      ['a'],
      ['b', 'c'],
    ])
  })

  it('join the one that follows without an identity only where name and configuration agree', () => {
    const young1 = { identity: young, marks: 'ostype=l26 created=7' }
    expect(names([traces('web', { marks: young1.marks }), traces('web', young1)])).toEqual([['web', 'web']])
    expect(names([traces('other', { marks: young1.marks }), traces('web', young1)])).toEqual([['other'], ['web']])
    expect(names([traces('web', { marks: 'ostype=l26 created=6' }), traces('web', young1)])).toEqual([['web'], ['web']])
    // A configuration that nobody could read agrees with nothing that has an identity.
    expect(names([traces('web'), traces('web', young1)])).toEqual([['web'], ['web']])
    expect(names([traces('web'), traces('web', { identity: young })])).toEqual([['web'], ['web']])
  })

  it('of a guest that never offers an identity are one lineage while its name and marks stay', () => {
    const marks = 'ostype=debian'
    expect(names([traces('a'), traces('a'), traces('b'), traces('b')])).toEqual([
      ['a', 'a'],
      ['b', 'b'],
    ])
    expect(names([traces('a', { marks }), traces('a', { marks })])).toEqual([['a', 'a']])
    expect(names([traces('a'), traces('a', { marks })])).toEqual([['a'], ['a']])
    // Nothing says that the first `a` is the last one.
    expect(names([traces('a'), traces('b'), traces('a')])).toEqual([['a'], ['b'], ['a']])
  })

  it('join none that comes before: an identity that is lost begins anew', () => {
    expect(names([traces('web', { identity: old }), traces('web')])).toEqual([['web'], ['web']])
  })

  it('count in no lineage where their manifest tells nothing, and part none', () => {
    const archives = [traces('a'), undefined, traces('a')]
    const { lineages, strays } = lineagesOf(archives, (one) => one)
    expect(lineages).toHaveLength(1)
    expect(strays).toEqual([undefined])
  })

  it('are each in one place, in their order, and never with another identity', () => {
    const any = fc.record(
      {
        name: fc.constantFrom('a', 'b'),
        marks: fc.constantFrom('m', 'n'),
        identity: fc.record(
          { id: fc.constantFrom('1', '2'), witness: fc.constantFrom('x', 'y') },
          { requiredKeys: ['id'] },
        ),
      },
      { requiredKeys: ['name'] },
    )
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), (drawn) => {
        const archives = drawn.map((its) => traces(its.name, its))
        const { lineages } = lineagesOf(archives, (one) => one)
        const all = lineages.flatMap((lineage) => lineage.archives)
        expect(all.toSorted((one, other) => (one.writtenAt < other.writtenAt ? -1 : 1))).toEqual(archives)
        for (const lineage of lineages) {
          expect(lineage.archives).toEqual(archives.filter((one) => lineage.archives.includes(one)))
          const ids = new Set(lineage.archives.flatMap(({ identity }) => identity?.id ?? []))
          const witnesses = new Set(lineage.archives.flatMap(({ identity }) => identity?.witness ?? []))
          expect([ids.size <= 1, witnesses.size <= 1]).toEqual([true, true])
        }
      }),
    )
  })
})

describe('the current lineage', () => {
  const archives = [traces('payroll-db', { identity: old }), traces('scratch', { identity: young })]
  const { lineages } = lineagesOf(archives, (one) => one)

  it('is the one of the guest that the site has, whenever it was written', () => {
    expect(standingsOf(lineages, old)).toEqual(['current', 'former'])
    expect(standingsOf(lineages, young)).toEqual(['former', 'current'])
  })

  it('is none where the site has a guest of which there is no archive', () => {
    expect(standingsOf(lineages, { id: 'smbios:3' })).toEqual(['former', 'former'])
  })

  it('is the one written last where nobody knows the guest of the site', () => {
    expect(standingsOf(lineages, undefined)).toEqual(['former', 'current'])
  })

  it('is unclear where the last archive tells nothing and the guest of the site is known', () => {
    const { lineages: untold } = lineagesOf([traces('a', { identity: young }), traces('b')], (one) => one)
    expect(standingsOf(untold, old)).toEqual(['former', 'unclear'])
    expect(standingsOf(untold, young)).toEqual(['current', 'unclear'])
  })
})
