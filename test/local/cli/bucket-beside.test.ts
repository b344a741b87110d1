import { expect, it } from 'vitest'
import { bucketBeside } from '../../../local/cli/bucket-beside.ts'

const deployment = (name?: string) => ({ bucket: { keyPrefix: 'own/', ...(name === undefined ? {} : { name }) } })
const usualBucket = { bucket: 'setting', s3: 'http://s3' }

it('a bucket that is named wins over that of the deployment, whose prefix it has unless one is named', () => {
  expect(bucketBeside({ bucket: 'named', usualBucket }, deployment('own'))).toEqual({ bucket: 'named', prefix: 'own/' })
  expect(bucketBeside({ bucket: 'named', s3: 'http://s3', prefix: '' }, deployment('own'))).toEqual({
    bucket: 'named',
    s3: 'http://s3',
    prefix: '',
  })
})

it("a deployment's own bucket wins over that of settings", () => {
  expect(bucketBeside({ usualBucket }, deployment('own'))).toEqual({ bucket: 'own', prefix: 'own/' })
})

it('a deployment that leaves its bucket open has that of settings, with their endpoint and its prefix', () => {
  expect(bucketBeside({ usualBucket }, deployment())).toEqual({ bucket: 'setting', s3: 'http://s3', prefix: 'own/' })
  const elsewhere = { usualBucket: { ...usualBucket, prefix: 'other/' } }
  expect(bucketBeside(elsewhere, deployment())).toMatchObject({ bucket: 'setting', prefix: 'other/' })
})

it('no bucket is known where nobody names one', () => {
  expect(bucketBeside({}, deployment())).toBeUndefined()
  expect(bucketBeside({ s3: 'http://s3' }, undefined)).toBeUndefined()
})
