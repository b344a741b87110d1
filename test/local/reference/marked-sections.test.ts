import { describe, expect, it } from 'vitest'
import { sectionsOf, withSections } from '../../../local/reference/marked-sections.ts'

const page = `# Jobs

## Fields

<!-- fields of job; npm run docs:reference -->
old
<!-- end of fields -->

Between.

### More

<!-- fields of job.guests; npm run docs:reference -->
<!-- end of fields -->

After.
`

describe('the generated sections of a page', () => {
  it('are replaced, and what people wrote around them stays', () => {
    const written = withSections(page, (subject) => `fields of $& ${subject}`)
    expect(written).toContain('-->\n\nfields of $& job\n\n<!-- end of fields -->\n\nBetween.\n')
    expect(written).toContain('\n\nfields of $& job.guests\n\n<!-- end of fields -->\n\nAfter.\n')
    expect(written).not.toContain('old')
  })

  it('come out the same when they are written twice', () => {
    const once = withSections(page, (subject) => subject)
    expect(withSections(once, (subject) => subject)).toBe(once)
  })

  it('are listed with the heading that they stand under', () => {
    expect(sectionsOf(page)).toEqual([
      { subject: 'job', heading: 'Fields' },
      { subject: 'job.guests', heading: 'More' },
    ])
  })
})
