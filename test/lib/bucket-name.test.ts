import { describe, expect, it } from 'vitest'
import { parseDeployment } from '../../lib/deployment-config.ts'

const withName = (name: string) => () => parseDeployment({ name: 'test', sites: ['hq'], bucket: { name } }, 'the test')

describe('the name of a bucket', () => {
  it.each(['archives', 'my.archives-2026', '1a2', 'a.b.c'])('may be %s', (name) => {
    expect(withName(name)().bucket.name).toBe(name)
  })

  it.each([
    ['a..b', /two dots in a row/],
    ['a.-b', /no dot beside a hyphen/],
    ['a-.b', /no dot beside a hyphen/],
    ['192.168.5.4', /IP address/],
    ['xn--archives', /xn--/],
    ['sthree-archives', /sthree-/],
    ['amzn-s3-demo-archives', /amzn-s3-demo-/],
    ['archives-s3alias', /-s3alias/],
    ['archives--ol-s3', /--ol-s3/],
    ['archives.mrap', /\.mrap/],
    ['archives--x-s3', /--x-s3/],
    ['Archives', /lower-case/],
    ['ab', /3 to 63/],
  ])('is refused before anything is deployed where S3 would refuse it: %s', (name, why) => {
    expect(withName(name)).toThrow(why)
  })
})
