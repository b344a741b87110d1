import { describe, expect, it } from 'vitest'
import { mutantsOf } from './mutants.ts'

const changes = (source: string) => mutantsOf('one.ts', source).map(({ after }) => after)

describe('the mutants of a line', () => {
  it.each([
    ['if (ready) go()', ['if (true) go()', 'if (false) go()']],
    ['const a = b < c', ['const a = b <= c', 'const a = b >= c']],
    ['const a = b && c', ['const a = b', 'const a = (c)']],
    ['const a = b ?? c', ['const a = b', 'const a = (c)']],
    ['const a = b + 1', ['const a = b - 1', 'const a = b + 2']],
    ['const size = 64 * unit', ['const size = 128 * unit', 'const size = 64 / unit']],
    ["const a = b + ' of'", []],
    ['const a = !b', ['const a = b']],
    ["const kind = 'vm'", ["const kind = ''"]],
    ["const text = 'words of a sentence'", []],
    ['const key = `${a}/${b}`', ['const key = ``']],
    ['const told = `${a} of ${b}`', []],
    ['const whole = /^a$/', ['const whole = /a$/', 'const whole = /^a/']],
    ['const one = all.some(fits)', ['const one = all.every(fits)']],
    ['const some = all.filter(fits)', ['const some = all']],
    ['const copy = { ...one, two }', ['const copy = { two }']],
    [
      'const copy = { ...(a === undefined ? {} : { a }) }',
      ['const copy = { ...(true ? {} : { a }) }', 'const copy = { ...(a !== undefined ? {} : { a }) }'],
    ],
    ['await save()', [';']],
    ['save()', [';']],
    ["log('saved', { count: 1 })", []],
    ["type Kind = 'vm' | 'container'", []],
    ["import { a } from './a.ts'", []],
    [
      'function act() { one(); two() }',
      ['function act() {}', 'function act() { ; two() }', 'function act() { one(); ; }'],
    ],
  ])('%s', (source, expected) => {
    expect(changes(source).toSorted()).toEqual(expected.toSorted())
  })

  it('say where they are, and are known by their lines wherever these stand', () => {
    const [, mutant] = mutantsOf('one.ts', '\n\nfunction f(a: number) {\n  return a <\n    7\n}')
    expect(mutant).toMatchObject({ file: 'one.ts', line: 4, lastLine: 4, atLoad: false })
    expect(mutant).toMatchObject({ before: 'return a <', after: 'return a >=' })
    expect(mutantsOf('one.ts', 'const most = 7')[0]).toMatchObject({ line: 1, atLoad: true })
  })
})
