/** The manual pages, judged by the readers of such pages where they are installed. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { completionTree } from '../../../local/cli/completion/completion-tree.ts'
import { guestliftProgram } from '../../../local/cli/program.ts'
import { listenForStop } from '../../../local/cli/stop-signals.ts'
import { manPages } from '../../../local/reference/man-pages.ts'

const edition = { version: '9.8.7', date: '2026-11-30' }
const program = () => guestliftProgram(listenForStop({ on: () => undefined, off: () => undefined }))
const pages = manPages(program(), edition)
const pageOf = (name: string) => pages.find(({ fileName }) => fileName === `${name}.1`)?.text ?? ''

const isThere = (tool: string) => spawnSync(tool, ['--version']).error === undefined

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestlift-man-'))
  for (const { fileName, text } of pages) writeFileSync(join(folder, fileName), text)
  writeFileSync(join(folder, 'wrong.1'), '.TH WRONG 1\n.SH NAME\nwrong \\- a page\n.bogus\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What a reader of pages has to complain about. */
function complaints(program: string, words: readonly string[], name: string): string {
  const { stdout, stderr } = spawnSync(program, [...words, join(folder, name)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80' },
  })
  return program === 'mandoc' ? `${stdout}${stderr}` : stderr
}

const byMandoc = ['-T', 'lint', '-W', 'warning']
const byMan = ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z']

describe('the manual pages', () => {
  it('are there for guestlift and each of its commands', () => {
    const names = completionTree(program()).map(({ path }) =>
      ['guestlift', ...path.split(' ')].filter(Boolean).join('-'),
    )
    expect(pages.map(({ fileName }) => fileName).toSorted()).toEqual(names.map((name) => `${name}.1`).toSorted())
  })

  it('are named in package.json, for npm to put them where man looks', () => {
    expect(packageJson.man.toSorted()).toEqual(pages.map(({ fileName }) => `man/${fileName}`).toSorted())
  })

  it('name their command, what it is for, its options, exit codes and an example', () => {
    const page = pageOf('guestlift-backups-list')
    expect(page).toMatch(/^\.TH GUESTLIFT-BACKUPS-LIST 1 "2026-11-30" "guestlift 9\.8\.7" "Guestlift"$/m)
    expect(page).toMatch(/^guestlift\\-backups\\-list \\- list them, newest first$/m)
    expect(page).toMatch(/^\\fBguestlift backups list\\fR \[options\]$/m)
    expect(page).toMatch(/^\\fB\\-\\-site\\-file <file>\\fR$/m)
    expect(page).toMatch(/^\.SH EXIT STATUS\n\.TP 6\n\\fB0\\fR$/m)
    expect(page).toMatch(/^\.SH EXAMPLES\n\.nf\nguestlift backups list /m)
    expect(page).toMatch(/^\\fBguestlift\\-backups\\fR\(1\), /m)
  })

  it('say of all commands by task what they are for, and what their words mean', () => {
    expect(pageOf('guestlift')).toMatch(/^\.SS Look at archives\n\.TP 8\n\\fBguestlift list\\fR$/m)
    expect(pageOf('guestlift')).toMatch(/^\\fBa duration\\fR\n\\fB90m\\fR, /m)
  })

  it('tell what a command adds in paragraphs, and commands line by line', () => {
    expect(pageOf('guestlift-verify')).toMatch(/^\.SH NOTES\nWith \\-\\-archive, .* due or not\.\n\.SH EXIT STATUS$/m)
    expect(pageOf('guestlift-completion')).toMatch(/^\.SH NOTES\n\.nf\nbash: eval /m)
  })

  it('take letters for what they are that troff would take for commands', () => {
    const odd = new Command('odd').description(".So 'it' is: C:\\temp, ^a~ `b`").usage('[options]')
    odd.option('--a-b <x>', "'quoted' at its beginning")
    const [page] = manPages(odd, edition)
    expect(page?.text).toContain('\n\\&.So \\(aqit\\(aq is: C:\\etemp, \\(haa\\(ti \\fBb\\fR.\n')
    expect(page?.text).toContain('\n\\fB\\-\\-a\\-b <x>\\fR\n\\(aqquoted\\(aq at its beginning\n')
  })

  it.skipIf(!isThere('mandoc'))('have no fault in the eyes of mandoc', () => {
    expect(complaints('mandoc', byMandoc, 'wrong.1')).toMatch(/bogus/)
    for (const { fileName } of pages) expect(complaints('mandoc', byMandoc, fileName)).toBe('')
  })

  it.skipIf(!isThere('man') || !isThere('groff'))('have no fault in the eyes of man', () => {
    expect(complaints('man', byMan, 'wrong.1')).toMatch(/bogus/)
    for (const { fileName } of pages) expect(complaints('man', byMan, fileName)).toBe('')
  })

  it.skipIf(!isThere('mandoc'))('show every option as it is typed', () => {
    for (const { path, options } of completionTree(program())) {
      const name = ['guestlift', ...path.split(' ')].filter(Boolean).join('-')
      const { stdout } = spawnSync('mandoc', ['-T', 'utf8', join(folder, `${name}.1`)], { encoding: 'utf8' })
      // A letter that is struck twice is bold.
      // oxlint-disable-next-line no-control-regex -- the backspace between both
      const text = stripVTControlCharacters(stdout.replaceAll(/.\u0008/g, ''))
      for (const { flags } of options) for (const flag of flags) expect(text, name).toContain(flag)
    }
  })
})
