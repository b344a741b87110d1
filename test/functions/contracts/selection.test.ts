import { describe, expect, it } from 'vitest'
import { jobSchema } from '../../../functions/contracts/job.ts'
import { type GuestSelectionInput, narrowingKeys, parseIdRange } from '../../../functions/contracts/selection.ts'
import { validationMessage } from '../../../functions/domain/words/validation-message.ts'

const read = (guests: unknown) => jobSchema.safeParse({ site: 'hq', guests })

describe("a job's selection", () => {
  it.each<[string, GuestSelectionInput]>([
    ['ids, as ever', { vmids: [100, 101] }],
    ['ids and ranges', { vmids: [100], ranges: ['200-299'] }],
    ['everything', { all: true }],
    ['everything with templates but for some', { all: true, templates: 'include', exclude: { tags: ['scratch'] } }],
    [
      'each key',
      {
        names: ['web*'],
        tags: ['prod'],
        pools: ['a/b'],
        nodes: ['pve1'],
        states: ['running'],
        kinds: ['vm'],
        ha: ['started'],
      },
    ],
    ['templates alone', { templates: 'only' }],
    ['a pool alone', { pools: ['a'], subPools: false, exclude: { pools: ['a/b'], subPools: true } }],
    [
      'what leaves out templates of a pool',
      { all: true, templates: 'include', exclude: { templates: 'only', pools: ['x'] } },
    ],
  ])('is taken with %s, and stays as it was written', (_, guests) => {
    expect(read(guests).data?.guests).toEqual(guests)
  })

  it.each<[string, unknown, RegExp]>([
    ['nothing', {}, /^guests: say which guests: all: true, or at least one of vmids/],
    ['only what to leave out', { exclude: { vmids: [100] } }, /^guests: say which guests/],
    ['templates that are merely included', { templates: 'include' }, /^guests: say which guests/],
    ['an empty list', { tags: [] }, /^guests\.tags: name at least one tag$/],
    ['an id twice', { vmids: [100, 100] }, /^guests\.vmids: a guest is listed twice$/],
    ['an id too small', { vmids: [100, 7] }, /^guests\.vmids\.1: Too small/],
    ['a range backwards', { ranges: ['299-200'] }, /^guests\.ranges\.0: a range of ids reads 100-199/],
    ['a range of one id', { ranges: ['200'] }, /^guests\.ranges\.0: /],
    ['a range below all ids', { ranges: ['10-199'] }, /^guests\.ranges\.0: /],
    ['a state that there is not', { states: ['runing'] }, /^guests\.states\.0: .*"running"/],
    ['a kind that there is not', { kinds: ['lxc'] }, /^guests\.kinds\.0: .*"container"/],
    ['a blank around a tag', { tags: ['prod '] }, /^guests\.tags\.0: a tag has at least one character and no blank/],
    ['a line break in a name', { names: ['a\nb'] }, /^guests\.names\.0: /],
    ['all beside a key', { all: true, tags: ['prod'] }, /^guests\.tags: all takes in every guest/],
    ['all that is false', { all: false, tags: ['prod'] }, /^guests\.all: all is true, or left out/],
    ['an exclusion of nothing', { all: true, exclude: {} }, /^guests\.exclude: say what to leave out/],
    ['an exclusion that includes', { all: true, exclude: { templates: 'include' } }, /^guests\.exclude: say what/],
    [
      'all within an exclusion',
      { all: true, exclude: { all: true, tags: ['x'] } },
      /^guests\.exclude: Unrecognized key: "all"/,
    ],
    ['a wrong value within an exclusion', { all: true, exclude: { ranges: ['1-2'] } }, /^guests\.exclude\.ranges\.0: /],
    ['a key misspelt', { vmids: [100], tag: ['prod'] }, /^guests: Unrecognized key: "tag"/],
    ['sub-pools without pools', { all: true, subPools: false }, /^guests\.subPools: subPools says how pools are meant/],
    [
      'sub-pools without pools in an exclusion',
      { all: true, exclude: { tags: ['x'], subPools: false } },
      /^guests\.exclude\.subPools: /,
    ],
    ['a text in place of a list', { tags: 'prod' }, /^guests\.tags: /],
  ])('is refused with %s, naming the field', (_, guests, complaint) => {
    const { error } = read(guests)
    expect(error === undefined ? 'accepted' : validationMessage(error)).toMatch(complaint)
  })

  it('knows which keys narrow it, in their documented order', () => {
    expect(narrowingKeys({ kinds: ['vm'], vmids: [100], templates: 'only' })).toEqual(['vmids', 'kinds'])
  })
})

describe('a range of ids', () => {
  it.each([
    ['100-199', { first: 100, last: 199 }],
    ['100-100', { first: 100, last: 100 }],
    ['100-999999999', { first: 100, last: 999_999_999 }],
    ['100 - 199', undefined],
    ['100-1999999999', undefined],
    ['0100-0199', undefined],
    ['-', undefined],
    ['', undefined],
  ])('%j reads %j', (text, range) => {
    expect(parseIdRange(text)).toEqual(range)
  })
})
