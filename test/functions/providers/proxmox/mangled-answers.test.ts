import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openClassifier } from '../../../../local/replay/classify.ts'
import { mangled, whole } from '../../../fuzz/mangle.ts'
import { fuzzable, fuzzLimits, misstatedBackup, oneAnswer, wholeBackup } from '../../../fuzz/properties.ts'
import { recording, recordingNames, recordingsPresent } from './transcripts.ts'

/** Bounded, and the same each time; `npm run fuzz` goes on with other seeds. */
const bounded = { seed: 20_261_122, numRuns: 60 }

describe('mangled answers', () => {
  it.skipIf(!recordingsPresent)(
    'of every recorded kind end in a value or an error of ours, in time, and never in a false success',
    async () => {
      const classifier = await openClassifier(fuzzLimits)
      try {
        const property = oneAnswer(classifier, fuzzable(recordingNames().flatMap(recording)))
        expect((await fc.check(property, bounded)).errorInstance).toBeNull()
      } finally {
        await classifier.close()
      }
    },
    120_000,
  )

  it('about a backup never make a bad one good', async () => {
    expect((await fc.check(wholeBackup(), bounded)).errorInstance).toBeNull()
  })

  it('that say something else about a backup than the platform did never make a bad one good', async () => {
    expect((await fc.check(misstatedBackup(), { ...bounded, numRuns: 3000 })).errorInstance).toBeNull()
  })
})

describe('the mangler', () => {
  const answer = {
    statusLine: 'HTTP/1.1 200 OK',
    headers: [['X-Kept', 'yes']] as [string, string][],
    body: '{"data":[{"a":1},{"b":2}]}',
  }
  const text = (mangling: Parameters<typeof mangled>[1]) => mangled(answer, mangling).bytes.toString()

  it('leaves an answer whole when it is told nothing', () => {
    expect(whole(answer).bytes.toString()).toBe(
      'HTTP/1.1 200 OK\r\nX-Kept: yes\r\nContent-Length: 26\r\n\r\n{"data":[{"a":1},{"b":2}]}',
    )
  })

  it('edits what is in it', () => {
    expect(text({ kind: 'replace', at: 0, value: null })).toContain('null')
    expect(text({ kind: 'drop', at: 0.55, value: null })).toContain('{"data":[{"b":2}]}')
    expect(text({ kind: 'repeat', at: 0.55, value: null })).toContain('[{"a":1},{"a":1},{"b":2}]')
    expect(text({ kind: 'twice', value: 'OK' })).toContain('{"data":"OK","data":[')
    expect(text({ kind: 'length', by: -3 })).toContain('Content-Length: 23')
    expect(text({ kind: 'truncate', at: 0.5, after: 'reset' }).length).toBeLessThan(45)
    expect(text({ kind: 'status', line: 'HTTP/1.1 596 x' })).toMatch(/^HTTP\/1\.1 596 x/)
  })
})
