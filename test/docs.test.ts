import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { anchorsOf, proseLines, sentencesOf, slugOf, wordsOf } from './markdown.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Longer, and a newcomer no longer reads it to the end. */
const MOST_README_LINES = 200
/** Longer, and a sentence has to be read twice. */
const MOST_WORDS = 25
/** Words that a newcomer stumbles over; say show, report, estimate, must, anyone who. The help of the commands is a page too. */
const UNPLAIN = /\b(?:tell|tells|telling|told|reckon\w*|shall|whoever|lest|save for)\b/i

interface Link {
  /** Path of the page from the root, and the line that the link is in. */
  from: string
  line: number
  target: string
}

const pagesOfDocs = readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .toSorted()
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesOfDocs].filter((page) =>
  existsSync(join(root, page)),
)

/** Links to files of the repository; those that name a host aren't followed. */
function linksOf(page: string, text: string): Link[] {
  return proseLines(text).flatMap((line, index) => {
    const withoutCode = line.replaceAll(/(`+)(?!`).*?(?<!`)\1(?!`)/g, '')
    const inText = [...withoutCode.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)]
    const byName = [...withoutCode.matchAll(/^ {0,3}\[[^\]]+\]: +<?([^\s>]+)>?/g)]
    return [...inText, ...byName]
      .map((match) => match[1] ?? '')
      .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
      .map((target) => ({ from: page, line: index + 1, target }))
  })
}

const read = (page: string): string => readFileSync(join(root, page), 'utf8')
const links = pages.flatMap((page) => linksOf(page, read(page)))

/** Path from the root of what a link names, and its anchor. A link that begins with `#` stays on its page. */
function resolveLink({ from, target }: Link): { path: string; anchor: string | undefined } {
  const [path = '', anchor] = target.split('#')
  const named = path === '' ? from : relative(root, join(root, dirname(from), decodeURIComponent(path)))
  return { path: named, anchor }
}

/** What is wrong with a link; `undefined` when it leads somewhere. */
function complaint(link: Link): string | undefined {
  const { path, anchor } = resolveLink(link)
  const where = `${link.from}:${link.line} links to ${link.target}`
  if (path.startsWith('..') || !existsSync(join(root, path))) return `${where}, which isn't there`
  if (anchor === undefined) return undefined
  if (!path.endsWith('.md') || !anchorsOf(read(path)).has(decodeURIComponent(anchor))) {
    return `${where}, which has no such heading`
  }
  return undefined
}

/** Whether a link leads to the page, or to the folder that lists it. */
function leadsTo(link: Link, page: string): boolean {
  if (link.from === page) return false
  const { path } = resolveLink(link)
  return path === page || (path === dirname(page) && statSync(join(root, path)).isDirectory())
}

describe('the documentation', () => {
  it(`keeps the README to ${MOST_README_LINES} lines`, () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_README_LINES)
  })

  it('links to files and headings that are there', () => {
    expect(links.map(complaint).filter((text) => text !== undefined)).toEqual([])
  })

  it('links to each page under docs/ from another one', () => {
    expect(pagesOfDocs.filter((page) => !links.some((link) => leadsTo(link, page)))).toEqual([])
  })
})

describe('the sentences of the documentation', () => {
  it(`have at most ${MOST_WORDS} words`, () => {
    const long = pages.flatMap((page) =>
      sentencesOf(read(page))
        .filter(({ text }) => wordsOf(text) > MOST_WORDS)
        .map(({ line, text }) => `${page}:${line} has ${wordsOf(text)} words: ${text}`),
    )
    expect(long).toEqual([])
  })

  it('use plain words, also in the help of the commands', () => {
    const unplain = pages.flatMap((page) =>
      read(page)
        .split('\n')
        .flatMap((line, index) => (UNPLAIN.test(line) ? [`${page}:${index + 1} ${line.trim()}`] : [])),
    )
    expect(unplain).toEqual([])
  })

  it('stand one on a line', () => {
    const lines = pages.flatMap((page) => {
      const taken = sentencesOf(read(page)).map(({ line }) => line)
      return taken.filter((line, index) => taken.indexOf(line) < index).map((line) => `${page}:${line}`)
    })
    expect(lines).toEqual([])
  })
})

describe('the check of sentences', () => {
  it('takes prose and lists, and leaves out headings, tables, comments and code', () => {
    const text = '# A title\n\nOne. Two `a. B` more?\n- Three\n1. Four\n| a. B |\n<!-- No. -->\n```\nCode. More.\n```\n'
    expect(sentencesOf(text)).toEqual([
      { line: 3, text: 'One.' },
      { line: 3, text: 'Two `code` more?' },
      { line: 4, text: 'Three' },
      { line: 5, text: 'Four' },
    ])
  })

  it('counts the words that are read: of a link its text, of code one', () => {
    expect(wordsOf(sentencesOf('See [the page](a/b.md) - or `npx guestlift run --json` - twice.')[0]?.text ?? '')).toBe(
      6,
    )
  })

  it('goes on behind an abbreviation that no capital follows', () => {
    expect(sentencesOf('It takes e.g. two, as 3.5 GiB.')).toHaveLength(1)
    expect(sentencesOf('**What it is not.**')).toHaveLength(1)
  })
})

describe('the check of links', () => {
  it.each([
    ['The queue', 'the-queue'],
    ["Records that can't be read", 'records-that-cant-be-read'],
    ['1. Find the newest archive', '1-find-the-newest-archive'],
    ['`site.json` and [jobs](jobs.md)', 'sitejson-and-jobs'],
    ['S3 stores: AWS & others', 's3-stores-aws--others'],
    ['An _emphasised_ snake_case word', 'an-emphasised-snake_case-word'],
    ['Größe', 'größe'],
  ])('names the heading %s as GitHub does', (heading, slug) => {
    expect(slugOf(heading)).toBe(slug)
  })

  it('numbers equal headings, and takes no comment of a code block for one', () => {
    expect([...anchorsOf('# Time\n```sh\n# a comment\n```\n## Time\n')]).toEqual(['time', 'time-1'])
  })

  it('finds links in prose and by name, but none in code or to other hosts', () => {
    const text = '[a](a.md) `[b](b.md)` [c](https://example.com)\n\n[d]: d.md\n\n```\n[e](e.md)\n```\n'
    expect(linksOf('README.md', text)).toEqual([
      { from: 'README.md', line: 1, target: 'a.md' },
      { from: 'README.md', line: 3, target: 'd.md' },
    ])
  })

  it('complains of a file or heading that is not there', () => {
    const link = (target: string): Link => ({ from: 'README.md', line: 1, target })
    expect(complaint(link('docs/nowhere.md'))).toContain("which isn't there")
    expect(complaint(link('../outside.md'))).toContain("which isn't there")
    expect(complaint(link('#nothing-of-the-kind'))).toContain('which has no such heading')
    expect(complaint(link('package.json#name'))).toContain('which has no such heading')
    expect(complaint(link('#all-pages'))).toBeUndefined()
  })
})
