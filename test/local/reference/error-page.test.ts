import { describe, expect, it } from 'vitest'
import { commentsAbove, type ErrorFact, withMeanings } from '../../../local/reference/error-page.ts'

const source = `
/** The disk is full. Nothing was written. */
export class DiskFull extends fact('DiskFull', 'fail-guest', 'impeached') {}
/**
 * Nobody answers,
 * or too late.
 */
export class Silent extends fact('Silent', 'retry') {}
`
const errors: ErrorFact[] = [
  { name: 'DiskFull', group: 'fail-guest', standing: 'impeached' },
  { name: 'Silent', group: 'retry', standing: 'unscathed' },
]
const page = `# Errors

## Errors of a guest

### DiskFull

Old words.

**What to do:**
Make room.

## Errors that are tried again

### Silent

**What to do:**
Wait.
`

describe('the page of errors', () => {
  it('says of each error what the comment above its class says, and keeps what people wrote', () => {
    const platform = '/** The quota is used up. */\nexport class QuotaUsed extends DiskFull {}'
    expect(withMeanings(page, errors, source, [platform])).toBe(`# Errors

## Errors of a guest

### DiskFull

The disk is full.
Nothing was written.
What was begun of this archive is dropped.
This name also covers:

- The quota is used up.

**What to do:**
Make room.

## Errors that are tried again

### Silent

Nobody answers, or too late.

**What to do:**
Wait.
`)
  })

  it('comes out the same when it is written twice', () => {
    const once = withMeanings(page, errors, source, [])
    expect(withMeanings(once, errors, source, [])).toBe(once)
  })

  it.each([
    ['has no section', page.replace('### Silent', '### Loud')],
    ['stands in the chapter of another group', page.replace('that are tried again', 'that stop a run')],
    ['has nothing that a person could do', page.replace('Make room.\n', '')],
    ['has no place for what a person could do', page.replace('**What to do:**\nMake room.\n', '')],
  ])('is refused when an error %s', (_, broken) => {
    expect(() => withMeanings(broken, errors, source, [])).toThrow(/docs\/troubleshooting\.md needs a section/)
  })

  it('is refused when a class has no comment', () => {
    expect(() =>
      withMeanings(page, errors, source.replace('/** The disk is full. Nothing was written. */\n', ''), []),
    ).toThrow('The class DiskFull has no comment')
  })

  it('reads a comment as sentences, and does not take one for that of a later class', () => {
    expect(commentsAbove('/** About a function. */\nfunction one() {}\nexport class Two extends Error {}\n')).toEqual(
      [],
    )
    expect(commentsAbove(source).map(({ sentences }) => sentences.length)).toEqual([2, 1])
  })
})
