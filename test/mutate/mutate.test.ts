import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { mutate, type Order } from './mutate.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const file = 'test/mutate/fixture/countdown.ts'

const order = (its: Partial<Order>): Order => ({
  root,
  files: [file],
  choose: (mutants) => mutants,
  isUsed: (testFile) => testFile.startsWith('test/mutate/fixture/'),
  nearest: 8,
  cpuSeconds: Number.POSITIVE_INFINITY,
  workers: 1,
  note: () => {},
  ...its,
})

it('finds what tests notice and what they don’t, ends what would run for ever, and writes no file', async () => {
  const before = readFileSync(`${root}${file}`, 'utf8')
  const notes: string[] = []
  const { results } = await mutate(order({ note: (text) => notes.push(text) }))
  const fates = results.map(({ mutant: { before, after }, fate }) => [`${before} → ${after}`, fate])
  const told = Object.fromEntries(fates) as Record<string, string>
  const loop = 'for (let left = from; left > 0; left -= 1) sum += left'
  expect(told[`${loop} → for (let left = from; left > 0; left += 1) sum += left`]).toBe('killed')
  expect(told[`${loop} → for (let left = from; left >= 0; left -= 1) sum += left`]).toBe('survived')
  expect(told['return count < 10 → return count <= 10']).toBe('survived')
  expect(told['return count < 10 → return count >= 10']).toBe('killed')
  expect(told['return count % 2 === 0 → return count % 2 !== 0']).toBe('survived')
  expect(results.filter(({ fate }) => fate === 'killed').map(({ noticedBy }) => noticedBy)).toContain(
    `test/mutate/fixture/countdown.test.ts: a countdown > adds up to its sum`,
  )
  expect(notes).toEqual([])
  expect(readFileSync(`${root}${file}`, 'utf8')).toBe(before)
})

it('runs no more tests than the nearest, and begins nothing after its time', async () => {
  const choose: Order['choose'] = (mutants) => mutants.filter(({ after }) => after === 'return count >= 10')
  expect((await mutate(order({ choose, nearest: 0 }))).results).toMatchObject([{ fate: 'survived' }])
  const { mutants, results } = await mutate(order({ cpuSeconds: 0 }))
  expect(mutants).not.toEqual([])
  expect(results).toEqual([])
})

it('asks every test that relies on what runs once before all of them', async () => {
  const choose: Order['choose'] = (mutants) => mutants.filter(({ after }) => after.includes('from + index'))
  expect((await mutate(order({ choose }))).results).toMatchObject([
    {
      fate: 'killed',
      noticedBy: `test/mutate/fixture/countdown.test.ts: numbers that are made once > begin with the highest`,
    },
  ])
})
