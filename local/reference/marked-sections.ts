/**
 * Generated sections within pages that people write. Two comments that no reader sees mark one:
 * `<!-- fields of job.guests; npm run docs:reference -->` and `<!-- end of fields -->`. Pure.
 */
const SECTION = /(<!-- fields of (\S+); npm run docs:reference -->\n)[^]*?(<!-- end of fields -->)/g

/** The page with what `render` gives for the subject of each section. @throws what `render` throws */
export function withSections(page: string, render: (subject: string) => string): string {
  return page.replaceAll(SECTION, (_, begin: string, subject: string, end: string) => {
    return `${begin}\n${render(subject)}\n\n${end}`
  })
}

/** What the sections of a page are about, each with the heading that it stands under. */
export function sectionsOf(page: string): { subject: string; heading: string }[] {
  return [...page.matchAll(SECTION)].map((match) => {
    const before = page.slice(0, match.index)
    return { subject: match[2] ?? '', heading: [...before.matchAll(/^#{1,6} +(.+)$/gm)].at(-1)?.[1] ?? '' }
  })
}
