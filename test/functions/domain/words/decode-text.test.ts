import { expect, it } from 'vitest'
import { decodeText, withoutMark } from '../../../../functions/domain/words/decode-text.ts'

const text = '{"site":"hq","notes":"Übung"}'
const utf16le = Buffer.from(text, 'utf16le')
const utf16be = Buffer.from(utf16le).swap16()

it.each([
  ['UTF-8', Buffer.from(text)],
  ['UTF-8 with a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)])],
  ['UTF-16 as PowerShell writes it', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16le])],
  ['UTF-16 without a mark', utf16le],
  ['UTF-16 of the other order', Buffer.concat([Buffer.from([0xfe, 0xff]), utf16be])],
  ['UTF-16 of the other order without a mark', utf16be],
])('reads %s', (_what, bytes) => {
  expect(decodeText(bytes)).toBe(text)
})

it('reads an empty file and one of a single character', () => {
  expect([decodeText(Buffer.alloc(0)), decodeText(Buffer.from('1'))]).toEqual(['', '1'])
})

it('takes the mark off a text that somebody else decoded', () => {
  expect([withoutMark(`\uFEFF${text}`), withoutMark(text)]).toEqual([text, text])
})
