import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { notesTemplate, tokenIn, withoutMark } from '../../../../functions/providers/proxmox/notes-template.ts'

/** vzdump's own checks, and what it makes of a template, as far as its answers show. */
function asVzdumpReads(template: string): { problems: string[]; notes: string } {
  const escapes = [...template.matchAll(/\\([\s\S]?)/g)].filter(([, char]) => char !== 'n' && char !== '\\')
  const unknown = [...template.matchAll(/\{\{([^{}]*)\}\}/g)].filter(
    ([, name = '']) => !['cluster', 'guestname', 'node', 'vmid'].includes(name),
  )
  const values: Record<string, string> = { cluster: 'c1', guestname: 'web', node: 'pve1', vmid: '100' }
  const notes = template
    .replace(/\{\{(cluster|guestname|node|vmid)\}\}/g, (_, name: string) => values[name] ?? '')
    .replace(/\\([n\\])/g, (_, char: string) => (char === 'n' ? '\n' : '\\'))
  return { problems: [...escapes, ...unknown].map(([text]) => text), notes }
}

describe("an archive's notes as vzdump's template", () => {
  it.each([
    ['before the upgrade', 'before the upgrade'],
    ['C:\\new\\node', 'C:\\\\new\\\\node'],
    ['first\nsecond\r\nthird', 'first\\nsecond\\nthird'],
    ['{{guestname}} on {{node}}', '{{guestname}} on {{node}}'],
    ['{{nosuchvar}}', '{ {nosuchvar}}'],
    ['{{{vmid}}}', '{ {{vmid}}}'],
    ['{{{x}}}', '{ { {x}}}'],
    ['{{ vmid }}', '{ { vmid }}'],
    ['tab\there', 'tab here'],
    ['{"json":{"a":{}}}', '{"json":{"a":{}}}'],
  ])('%j becomes %j', (notes, template) => {
    expect(notesTemplate(notes)).toBe(template)
  })

  it('is never refused, and never too long', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('{', '}', '\\', 'n', 'vmid', 'node', '{{', '}}', ' ', '\n', '\r', 'ä', '€', '\u0000', '\t'),
      maxLength: 1200,
    })
    fc.assert(
      fc.property(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 900 })), (notes) => {
        const template = notesTemplate(notes)
        expect(asVzdumpReads(template).problems).toEqual([])
        expect(template.length).toBeLessThanOrEqual(1024)
        expect(template).not.toMatch(/[\r\n\0]/)
      }),
    )
  })

  it('comes back as it was written, when it holds no braces', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '\\', 'n', '\n', 'ü'), maxLength: 400 }), (notes) => {
        expect(asVzdumpReads(notesTemplate(notes)).notes).toBe(notes)
      }),
    )
  })
})

describe('the mark that names a job as ours', () => {
  const token = '0f1e2d3c4b5a6978'

  it('is the last line, below what people wrote', () => {
    expect(notesTemplate('before the upgrade', token)).toBe(`before the upgrade\\nguestlift:${token}`)
    expect(notesTemplate('', token)).toBe(`guestlift:${token}`)
  })

  it('keeps its room however long the notes are, and is read again whatever they say', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('{', '}', '\\', 'n', '\n', 'x', 'ä', 'guestlift:'),
      maxLength: 1200,
    })
    fc.assert(
      fc.property(nasty, (notes) => {
        const template = notesTemplate(notes, token)
        expect(template.length).toBeLessThanOrEqual(1024)
        expect(tokenIn(template)).toBe(token)
        const { problems, notes: stored } = asVzdumpReads(template)
        expect(problems).toEqual([])
        expect(stored.endsWith(`guestlift:${token}`)).toBe(true)
        expect(withoutMark(`${stored}\n`)).toBe(stored.slice(0, -`\nguestlift:${token}`.length))
      }),
    )
  })

  it.each([
    ['{{guestname}}'],
    [''],
    ['see guestlift:0f1e2d3c4b5a6978'],
    ['guestlift:0f1e2d3c4b5a6978\\nlater'],
    ['guestlift:'],
  ])('is not seen in the template %j', (template) => expect(tokenIn(template)).toBeUndefined())

  it('is left out of notes that people read, which stay as they are otherwise', () => {
    expect(withoutMark(`two\nlines\nguestlift:${token}\n`)).toBe('two\nlines')
    expect(withoutMark(`guestlift:${token}`)).toBe('')
    for (const notes of ['', 'mine', 'mine\n', 'about guestlift: x', `guestlift:${token}\nmine`]) {
      expect(withoutMark(notes)).toBe(notes)
    }
  })
})
