/** The scripts, asked by the shells themselves. zsh and fish where they are installed. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guestlift } from '../command-line.ts'

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'guestlift-completion-'))
  writeFileSync(join(folder, 'site.json'), '{}')
  for (const shell of ['bash', 'zsh', 'fish']) {
    writeFileSync(join(folder, `guestlift.${shell}`), (await guestlift(['completion', shell], { env: {} })).out)
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

const isThere = (shell: string) => spawnSync(shell, ['--version']).error === undefined

/** What a line is completed to, its last word being begun. */
const cases: [string, string[]][] = [
  ['guestlift pl', ['platforms', 'plan']],
  ['guestlift backups pro', ['protect']],
  ['guestlift backups list --sto', ['--storage']],
  ['guestlift run --site-', ['--site-file']],
  ['guestlift restore --thaw ', ['expedited', 'standard', 'bulk']],
  ['guestlift --json list --sit', ['--site']],
  ['guestlift completion fi', ['fish']],
]

const sorted = (words: readonly string[]) => [...words].toSorted()

describe('completion', () => {
  it.each(cases)('by bash: %s', (line, words) => {
    const script = `
      source ${folder}/guestlift.bash
      COMP_WORDS=(${line.endsWith(' ') ? `${line}''` : line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      compopt() { :; }
      _guestlift; printf '%s\\n' "\${COMPREPLY[@]}"`
    const out = execFileSync('bash', ['-eu', '-c', script], { encoding: 'utf8' })
    expect(sorted(out.split('\n').filter((word) => word !== ''))).toEqual(sorted(words))
  })

  it('by bash gives way to files for a site file, and to nothing for a name', () => {
    const script = `
      source ${folder}/guestlift.bash
      compopt() { echo "compopt $*"; }
      for option in --site-file --bucket; do
        COMP_WORDS=(guestlift run $option ''); COMP_CWORD=3
        _guestlift; echo "$option: \${COMPREPLY[*]}"
      done
      complete -p guestlift`
    const out = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
    expect(out.trim().split('\n')).toEqual([
      '--site-file: ',
      'compopt +o default',
      '--bucket: ',
      'complete -o default -F _guestlift guestlift',
    ])
  })

  it.skipIf(!isThere('zsh')).each(cases)('by zsh: %s', (line, words) => {
    const begun = line.endsWith(' ') ? `${line}''` : line
    const script = `
      compdef() { :; }
      source ${folder}/guestlift.zsh
      _describe() { local -a all; all=("\${(@P)\${@[-1]}}"); print -l -- "\${(@)all%%:*}"; }
      compadd() { shift; print -l -- "$@"; }
      _files() { :; }
      words=(${begun}); CURRENT=\${#words}
      _guestlift`
    const out = execFileSync('zsh', ['-f', '-c', script], { encoding: 'utf8' })
    const last = line.split(' ').at(-1) ?? ''
    const fitting = out.split('\n').filter((word) => word !== '' && word.startsWith(last))
    expect(sorted(fitting)).toEqual(sorted(words))
  })

  it.skipIf(!isThere('fish')).each(cases)('by fish: %s', (line, words) => {
    const script = `source ${folder}/guestlift.fish; complete -C '${line}'`
    const out = execFileSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', cwd: folder })
    const completed = out
      .split('\n')
      .map((one) => one.split('\t')[0] ?? '')
      .filter((word) => word !== '')
    expect(sorted(completed)).toEqual(sorted(words))
  })

  it.skipIf(!isThere('fish'))('by fish completes files for a site file, with what words mean', () => {
    const ask = (line: string) =>
      execFileSync('fish', ['--no-config', '-c', `source ${folder}/guestlift.fish; complete -C '${line}'`], {
        encoding: 'utf8',
        cwd: folder,
      })
    expect(ask('guestlift run --site-file ')).toContain('site.json')
    expect(ask('guestlift run --bucket ')).not.toContain('site.json')
    expect(ask('guestlift cover')).toMatch(/^coverage\tshow which guests/)
  })
})
