import { describe, expect, it } from 'vitest'
import { S3Error } from '../../../../local/s3/errors.ts'
import { element, parseXml, renderXml } from '../../../../local/s3/protocol/xml.ts'

describe('XML', () => {
  it('reads back what it writes, whatever the characters', () => {
    const key = `  <a> & "b" 'c' \t\n é 😀 `
    const text = renderXml(element('Delete', [element('Object', [element('Key', key)])]))
    expect(parseXml(text, 'Delete').child('Object')?.child('Key')?.text).toBe(key)
  })

  it('takes twenty thousand entities without calling them an attack', () => {
    const parts = '<Part><ETag>&quot;x&quot;</ETag></Part>'.repeat(10_000)
    expect(parseXml(`<C>${parts}</C>`, 'C').all('Part').at(-1)?.value('ETag')).toBe('"x"')
  })

  it.each([
    '<A><B></A>',
    '<Other/>',
    '<!DOCTYPE x [<!ENTITY e "boom">]><A>&e;</A>',
    '<A>&unknown;</A>',
    '',
    'no xml',
    '<A/><A/>',
  ])('refuses %j as malformed', (text) => {
    expect(() => parseXml(text, 'A')).toThrow(S3Error)
  })
})
