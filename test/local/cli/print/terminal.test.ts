import { styleText } from 'node:util'
import { describe, expect, it } from 'vitest'
import { textColumns, withoutEmpty } from '../../../../local/cli/print/columns.ts'
import { folded, terminalWidth, textOf, Verbatim } from '../../../../local/cli/print/terminal.ts'

describe('lines in a terminal', () => {
  it('are folded at words, and what follows is indented by two more', () => {
    expect(textOf(['  warning: the node is not there any more'], 24)).toBe(
      '  warning: the node is\n    not there any more\n',
    )
    expect(textOf(['short', ''], 24)).toBe('short\n\n')
  })

  it('keep a word whole that is wider, so that it can be copied', () => {
    expect(folded('see s3://archives/archives/hq/vm-100/ there', 20)).toEqual([
      'see',
      '  s3://archives/archives/hq/vm-100/',
      '  there',
    ])
  })

  it('keep a command whole', () => {
    expect(textOf([new Verbatim('  qmrestore /var/lib/vz/dump/vzdump-qemu-100.vma.zst 100')], 20)).toBe(
      '  qmrestore /var/lib/vz/dump/vzdump-qemu-100.vma.zst 100\n',
    )
  })

  it('are indented where a colour begins before the blanks', () => {
    const dim = styleText('dim', '  not in it: lines of a provider', { validateStream: false })
    expect(folded(dim, 18)).toEqual([
      '  \u001B[2mnot in it:\u001B[22m',
      '    \u001B[2mlines of a\u001B[22m',
      '    \u001B[2mprovider\u001B[22m',
    ])
  })

  it('are whole in a file or a pipe', () => {
    const line = 'word '.repeat(40)
    expect(textOf([line], undefined)).toBe(`${line}\n`)
    expect(terminalWidth({ isTTY: false, columns: 80 })).toBeUndefined()
    expect(terminalWidth({ isTTY: true, columns: 80 })).toBe(80)
    expect(terminalWidth({ isTTY: true, columns: 0 })).toBeUndefined()
  })
})

describe('rows with a text', () => {
  const rows = [
    ['  vm 100', 'web', 'It was left out, since its node does not answer.'],
    ['  vm 101', 'db', ''],
  ]

  it('have it folded beside the other columns', () => {
    expect(textColumns(rows, { width: 45 })).toEqual([
      ['  vm 100  web  It was left out, since its', '               node does not answer.'],
      ['  vm 101  db'],
    ])
  })

  it('have it below where there is too little room', () => {
    expect(textColumns(rows, { width: 36 })).toEqual([
      ['  vm 100  web', '      It was left out, since its', '      node does not answer.'],
      ['  vm 101  db'],
    ])
  })

  it('have it below its row alone where a word of it has too little room', () => {
    const address = 's3://archives/archives/hq/vm-100/'
    expect(textColumns([...rows, ['  vm 102', 'x', `It is ${address} there.`]], { width: 45 }).slice(1)).toEqual([
      ['  vm 101  db'],
      ['  vm 102  x', `      It is ${address}`, '      there.'],
    ])
  })

  it('leave columns out and cut one at words where even that is too wide', () => {
    const wide = [
      ['vm 100', 'the web server of the shop', '3 GiB', 'running', 'It is fine so far, and nothing is wrong.'],
    ]
    expect(textColumns(wide, { width: 30, cut: 1, spare: [2] })).toEqual([
      ['vm 100  the web…  running', '    It is fine so far, and', '    nothing is wrong.'],
    ])
  })

  it('are one line each where there is room, and where nobody says how much', () => {
    expect(textColumns(rows, { width: 100 }).map(({ length }) => length)).toEqual([1, 1])
    expect(textColumns(rows, { width: undefined })[0]).toEqual([
      '  vm 100  web  It was left out, since its node does not answer.',
    ])
  })

  it('lose columns of which only the head says something', () => {
    expect(
      withoutEmpty([
        ['ID', 'POOL', 'TAGS'],
        ['100', '', 'prod'],
        ['101', '', ''],
      ]),
    ).toEqual([
      ['ID', 'TAGS'],
      ['100', 'prod'],
      ['101', ''],
    ])
  })
})
