import { expect, it } from 'vitest'
import { dealLockLooks } from '../../../../functions/operations/pruning/lock-looks.ts'

it('hands looks out in order, whoever asks first', async () => {
  const deal = dealLockLooks(3)
  const [first, second, third, fourth] = [deal(), deal(), deal(), deal()]
  const taken = Promise.all([fourth.take(9), third.take(2), first.take(2)])
  second.done()
  expect(await taken).toEqual([0, 1, 2])
})

it('goes on with the next guest when one has ended without a look, also after its own', async () => {
  const deal = dealLockLooks(3)
  const [first, second] = [deal(), deal()]
  expect(await first.take(1)).toBe(1)
  first.done()
  expect(await second.take(9)).toBe(2)
})
