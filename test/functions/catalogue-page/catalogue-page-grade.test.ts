import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consistencySchema, gapNameSchema, type ShortGrade } from '../../../functions/contracts/grade.ts'
import { GRADE_SCRIPT, gradeCode } from '../../../functions/catalogue-page/grade.ts'
import { PAGE_SCRIPT } from '../../../functions/catalogue-page/script.ts'
import { gradeText } from '../../../functions/domain/backup/grade.ts'

/** As the browser reads it. */
const gradeOf = runInNewContext(`${GRADE_SCRIPT}; gradeOf`) as (code: number) => string

describe("a grade on the catalogue's page", () => {
  it('is read in the browser as it is told elsewhere, whatever it is', () => {
    expect(PAGE_SCRIPT).toContain(GRADE_SCRIPT)
    const names = fc.subarray([...gapNameSchema.options])
    const consistency = fc.constantFrom(undefined, ...consistencySchema.options)
    fc.assert(
      fc.property(consistency, names, fc.boolean(), fc.boolean(), (reached, gaps, mayLack, unmet) => {
        const grade: ShortGrade = {
          ...(reached === undefined ? {} : { consistency: reached }),
          gaps,
          ...(mayLack ? { gapsMayLack: true as const } : {}),
        }
        const verdict = {
          name: 'archived-with-warnings' as const,
          reason: '',
          ...(unmet ? { unmet: true as const } : {}),
        }
        const told = unmet ? ': LESS THAN REQUIRED' : ''
        expect(gradeOf(gradeCode({ grade, verdict }))).toBe(gradeText(grade) + told)
        expect(gradeOf(gradeCode({ verdict }))).toBe(gradeText(undefined) + told)
      }),
    )
  })

  it('is followed by the proof where that is another than the CRC-32 of the store', () => {
    const verdict = { name: 'archived' as const, reason: '' }
    const grade: ShortGrade = { consistency: 'crash', gaps: [...gapNameSchema.options] }
    const of = (proof?: 'part-checksums' | 'read-back') =>
      gradeOf(gradeCode({ grade, verdict, ...(proof === undefined ? {} : { proof }) }))
    expect(of()).toBe(gradeText(grade))
    expect(of('part-checksums')).toBe(`${gradeText(grade)}, proved by the checksums of its parts`)
    expect(of('read-back')).toBe(`${gradeText(grade)}, proved by reading it back`)
    expect(gapNameSchema.options.length).toBeLessThanOrEqual(19)
  })

  it('takes no room where nobody knows it', () => {
    expect(gradeCode({ verdict: { name: 'archived', reason: '' } })).toBe(0)
  })
})
