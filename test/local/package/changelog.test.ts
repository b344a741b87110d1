import { describe, expect, it } from 'vitest'
import { releaseChangelog } from '../../../local/package/changelog.ts'

const changelog = `# Changelog

## Unreleased

### Install

- There is a package.

## 0.1.0

- All of it.
`

describe('the changelog of a release', () => {
  it('has what was unreleased under the version and its day', () => {
    expect(releaseChangelog(changelog, '0.2.0', '2026-11-30')).toBe(`# Changelog

## Unreleased

## 0.2.0 (2026-11-30)

### Install

- There is a package.

## 0.1.0

- All of it.
`)
  })

  it('is refused when nothing was added since the last one', () => {
    const released = releaseChangelog(changelog, '0.2.0', '2026-11-30')
    expect(() => releaseChangelog(released, '0.3.0', '2026-12-01')).toThrow('there is nothing to release')
    expect(() => releaseChangelog('# Changelog\n', '0.3.0', '2026-12-01')).toThrow('there is nothing to release')
  })
})
