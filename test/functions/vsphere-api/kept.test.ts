import { expect, it } from 'vitest'
import { Kept } from '../../../functions/vsphere-api/kept.ts'

/** Gives what is in the list, one after the other; errors are thrown. */
function giving(...answers: (string | Error)[]) {
  let asked = 0
  const make = async () => {
    const answer = answers[asked] ?? 'nothing more'
    asked += 1
    if (answer instanceof Error) throw answer
    return answer
  }
  return { make, asked: () => asked }
}

it('is asked for once, by however many at a time', async () => {
  const { make, asked } = giving('one', 'two')
  const kept = new Kept(make)
  expect(await Promise.all([kept.get(), kept.get()])).toEqual(['one', 'one'])
  expect([await kept.get(), await kept.peek(), asked()]).toEqual(['one', 'one', 1])
})

it('is asked for again after a failure, but not after one that would come again', async () => {
  const passing = giving(new Error('later'), 'two')
  const kept = new Kept(passing.make)
  await expect(kept.get()).rejects.toThrow('later')
  expect([await kept.peek(), await kept.get()]).toEqual([undefined, 'two'])
  const lasting = giving(new Error('never'), 'two')
  const stays = new Kept(lasting.make, () => true)
  await expect(stays.get()).rejects.toThrow('never')
  await expect(stays.get()).rejects.toThrow('never')
  expect(lasting.asked()).toBe(1)
})

it('is forgotten only where it is the one that is meant', async () => {
  const { make } = giving('one', 'two')
  const kept = new Kept(make)
  await kept.get()
  await kept.forget('another')
  expect(await kept.get()).toBe('one')
  await kept.forget('one')
  expect(await kept.get()).toBe('two')
})
