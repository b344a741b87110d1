import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compareVector, vectorsSchema } from '../../../local/vectors/compare.ts'

const recording = new URL('../../../../shared/prune-vectors.json', import.meta.url)
const absent = !existsSync(recording)

describe('the recorded decisions', () => {
  it('are ours, each of them', ({ skip }) => {
    skip(absent, 'no recording at ../shared/prune-vectors.json')
    const vectors = vectorsSchema.parse(JSON.parse(readFileSync(recording, 'utf8')))
    expect(vectors.length).toBeGreaterThan(0)
    expect(vectors.map(compareVector).filter((found) => found !== undefined)).toEqual([])
  })
})

describe('compareVector', () => {
  const [vector] = vectorsSchema.parse([
    {
      name: 'told wrongly',
      keep: { 'keep-last': '1' },
      backups: [
        { ctime: 1767225600, mark: 'keep' },
        { ctime: '1767312000', protected: 0, mark: 'keep' },
      ],
    },
  ])
  if (vector === undefined) throw new Error('no case')

  it('tells each archive that is marked otherwise, and why', () => {
    expect(compareVector(vector, 3)).toEqual({
      index: 3,
      name: 'told wrongly',
      tz: 'UTC',
      keep: { 'keep-last': 1 },
      differences: [{ ctime: 1767225600, recorded: 'keep', planned: 'remove', reason: 'removed: no rule keeps it' }],
    })
  })

  it('counts a case that it cannot plan as a disagreement', () => {
    expect(compareVector({ ...vector, tz: 'No/Where' }, 0)?.error).toMatch(/time zone/i)
    expect(compareVector({ ...vector, keep: { 'keep-decades': 1 } }, 0)?.error).toMatch(/keep-decades/)
  })
})
