/**
 * What docs/troubleshooting.md says of each error: the paragraph below the error's name is the comment above its class.
 * What to do stands behind it and is written by people. Pure.
 */
import type { ErrorGroup, Standing } from '../../functions/contracts/errors.ts'

export interface ErrorFact {
  name: string
  group: ErrorGroup
  standing: Standing
}

/** Headings of the page by what the workflow does about an error. */
const chapters: Readonly<Record<ErrorGroup, string>> = {
  'fail-run': 'Errors that stop a run',
  'fail-guest': 'Errors of a guest',
  skip: 'Skipped guests',
  retry: 'Errors that are tried again',
}

const DROPPED = 'What was begun of this archive is dropped.'

/** Behind the generated sentences; what people write follows it. */
const END = '**What to do:**'

/** The comments above the classes of a source file, each as its sentences. */
export function commentsAbove(source: string): { name: string; parent: string; sentences: string[] }[] {
  const classes = source.matchAll(/\/\*\*((?:[^*]|\*(?!\/))*)\*\/\nexport class (\w+) extends (\w+)/g)
  return [...classes].map(([, comment = '', name = '', parent = '']) => {
    const text = comment
      .replaceAll(/^[ \t]*\*[ \t]?/gm, '')
      .replaceAll(/\s+/g, ' ')
      .trim()
    return { name, parent, sentences: text.split(/(?<=[.!?]) (?=[A-Z`])/) }
  })
}

/**
 * The page with what the sources say of each error now.
 * @param source of the errors' classes
 * @param platforms sources of classes that narrow an error for one platform, which shows under the error's own name
 * @throws where an error has no comment, no section in the chapter of its group, or nothing that a person could do
 */
export function withMeanings(
  page: string,
  errors: readonly ErrorFact[],
  source: string,
  platforms: readonly string[],
): string {
  const comments = commentsAbove(source)
  const narrowed = platforms.flatMap(commentsAbove)
  return errors.reduce((text, error) => {
    const comment = comments.find(({ name }) => name === error.name)
    if (comment === undefined) throw new Error(`The class ${error.name} has no comment that says what it means.`)
    const cases = narrowed.filter(({ parent }) => parent === error.name).flatMap(({ sentences }) => sentences)
    const also = cases.length === 0 ? [] : ['This name also covers:', '', ...cases.map((one) => `- ${one}`), '']
    const dropped = error.standing === 'impeached' ? [DROPPED] : []
    return withMeaning(text, error, [...comment.sentences, ...dropped, ...also].join('\n').trim())
  }, page)
}

function withMeaning(page: string, { name, group }: ErrorFact, meaning: string): string {
  const section = new RegExp(`^(### ${name}\\n\\n)[^]*?(${END.replaceAll('*', '\\*')}\\n+(?!#)\\S)`, 'm')
  const found = section.exec(page)
  const chapter = [...page.slice(0, found?.index ?? 0).matchAll(/^## (.+)$/gm)].at(-1)?.[1]
  if (found === null || chapter !== chapters[group] || found[0].lastIndexOf('\n#') > 0) {
    throw new Error(
      `docs/troubleshooting.md needs a section "### ${name}" in its chapter "${chapters[group]}", with the line ${END} and what to do.`,
    )
  }
  return page.replace(section, (_, heading: string, rest: string) => `${heading}${meaning}\n\n${rest}`)
}
