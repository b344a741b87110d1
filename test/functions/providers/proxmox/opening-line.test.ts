import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellQuote } from '../../../../local/labs/proxmox/vzdump-text.ts'
import { notesTemplate, tokenIn } from '../../../../functions/providers/proxmox/notes-template.ts'
import { findOpening } from '../../../../functions/providers/proxmox/opening-line.ts'
import { recordedLogs, recordingsPresent } from './transcripts.ts'

const lineOf = (command: string) => `INFO: starting new backup job: vzdump ${command}`
const option = (command: string, name: string) => findOpening([lineOf(command)])?.options.get(name)

describe('the line that opens a vzdump job', () => {
  it('names its options in any order, quoted or not', () => {
    const command =
      "100 --node pve1 --compress zstd --notes-template 'line one\\nline two äöü {{guestname}}' --storage store"
    expect(option(command, 'storage')).toEqual(['store'])
    expect(option(command, 'compress')).toEqual(['zstd'])
    expect(option(command, 'notes-template')).toEqual(['line one\\nline two äöü {{guestname}}'])
    expect(option(command, 'mode')).toBeUndefined()
  })

  it('keeps each value of an option that was repeated, and takes no value for a name', () => {
    expect(option("101 --exclude-path '/a b' --exclude-path /c", 'exclude-path')).toEqual(['/a b', '/c'])
    expect(option("101 --notes-template '--storage evil' --storage nas", 'storage')).toEqual(['nas'])
  })

  it.each([`'it'"'"'s'`, String.raw`'it'\''s'`, String.raw`it\'s`])('reads the quote in %s', (quoted) => {
    expect(option(`100 --notes-template ${quoted} --storage nas`, 'notes-template')).toEqual(["it's"])
  })

  it('gives back the token of any notes', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 900 }), (notes) => {
        const command = `100 --notes-template ${shellQuote(notesTemplate(notes, '0f1e2d3c4b5a6978'))} --storage nas`
        expect(tokenIn(option(command, 'notes-template')?.[0] ?? '')).toBe('0f1e2d3c4b5a6978')
      }),
    )
  })

  it('is not there while a job waits for its node, and none of a guest counts for it', () => {
    expect(findOpening([])).toBeUndefined()
    expect(findOpening(['INFO: trying to get global lock - waiting...'])).toBeUndefined()
    expect(findOpening([`INFO: ${lineOf('100 --storage nas')}`])).toBeUndefined()
    expect(findOpening([lineOf('100 --storage nas'), lineOf('100 --storage other')])?.options.get('storage')).toEqual([
      'nas',
    ])
  })

  it.skipIf(!recordingsPresent)('of each real log (in ../shared, if it is there) is read', () => {
    const opened = recordedLogs().filter(({ lines }) => lines.some((line) => line.includes('starting new backup job')))
    expect(opened.length).toBeGreaterThan(15)
    for (const { name, lines } of opened) {
      const options = findOpening(lines)?.options
      expect(options?.get('node'), name).toEqual(['pve1'])
      expect(tokenIn(options?.get('notes-template')?.[0] ?? ''), name).toBeUndefined()
    }
  })
})
