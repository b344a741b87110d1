import { expect, it } from 'vitest'
import { MOST_IN_ONE_STREAM_BYTES, tooLargeForOneStream } from '../../../../functions/domain/restore/one-stream.ts'

it('a disk that a function can still write in one stream is fit', () => {
  expect(tooLargeForOneStream([{ fileName: 'a.raw.zst', sizeBytes: MOST_IN_ONE_STREAM_BYTES }])).toBeUndefined()
  expect(tooLargeForOneStream([])).toBeUndefined()
})

it('a larger one is refused by its name, with the way by hand', () => {
  const finding = tooLargeForOneStream([
    { fileName: 'small.raw.zst', sizeBytes: 1 },
    { fileName: 'large.raw.zst', sizeBytes: MOST_IN_ONE_STREAM_BYTES + 1 },
  ])
  expect(finding).toMatchObject({ name: 'delivery-unfit', level: 'refusal' })
  expect(finding?.message).toContain('large.raw.zst')
  expect(finding?.message).toContain('streamOptimized')
  expect(finding?.message).not.toContain('small.raw.zst')
})
