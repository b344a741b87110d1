import { describe, expect, it } from 'vitest'
import { type Consistency, type Grade, requirementSchema } from '../../../../functions/contracts/grade.ts'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import { gradeText, shortfallsOf, shortGrade } from '../../../../functions/domain/backup/grade.ts'

const frozen: Grade = { consistency: 'file-system', reason: 'It was frozen.', gaps: [] }
const dead: Grade = {
  consistency: 'crash',
  reason: 'The agent is dead.',
  expected: 'file-system',
  advice: 'Start it.',
  gaps: [],
}
const snapshots = { name: 'snapshots', what: 'snapshots', advice: 'Remove them.' } as const
const scratch = { name: 'disks', what: 'the disk scsi1', chosen: true } as const
const required = (of: object) => requirementSchema.parse(of)
const unmet = (grade: Grade | undefined, of: object) => shortfallsOf(grade, required(of)).unmet

describe('what a backup falls short of', () => {
  it('is nothing where as much was reached as anybody would expect', () => {
    for (const grade of [frozen, { ...dead, expected: 'crash' as const }, { ...dead, expected: undefined }]) {
      const { expected, ...rest } = grade
      const known = expected === undefined ? rest : { ...rest, expected }
      expect(shortfallsOf(known, undefined)).toEqual({ unmet: [], lesser: [] })
    }
  })

  it('is lesser where the guest is set up for more, and nothing is required', () => {
    expect(shortfallsOf(dead, undefined)).toEqual({
      unmet: [],
      lesser: ['It is crash consistent and not file-system consistent: The agent is dead. Start it.'],
    })
  })

  it('is told of every pair of what is required and what was reached', () => {
    const order: Consistency[] = ['crash', 'file-system', 'application']
    for (const [rank, consistency] of order.entries()) {
      for (const [wanted, least] of order.entries()) {
        const missing = unmet({ ...frozen, consistency }, { consistency: least })
        expect(missing.length, `${consistency} for ${least}`).toBe(rank >= wanted ? 0 : 1)
      }
    }
  })

  it('is unmet and no longer only lesser where the job requires more, and nothing where it requires less', () => {
    expect(shortfallsOf(dead, required({ consistency: 'application' }))).toEqual({
      unmet: ['It is crash consistent, and the job requires application consistent: The agent is dead. Start it.'],
      lesser: [],
    })
    expect(shortfallsOf(dead, required({ consistency: 'crash' }))).toEqual({ unmet: [], lesser: [] })
  })

  it('counts what is not known as unmet, and claims nothing where nothing is required', () => {
    const { consistency: _unknown, ...unknown } = frozen
    for (const grade of [unknown, undefined]) {
      expect(shortfallsOf(grade, undefined)).toEqual({ unmet: [], lesser: [] })
      expect(unmet(grade, { consistency: 'crash' })).toEqual([expect.stringMatching(/^It isn't known how consistent/)])
    }
    expect(unmet(undefined, { complete: true })).toEqual([
      "It isn't known to be complete: nothing shows what was left out.",
    ])
    const hidden = { ...frozen, gapsMayLack: 'its snapshots are not shown' }
    expect(unmet(hidden, { complete: true })).toEqual(["It isn't known to be complete: its snapshots are not shown."])
    expect(shortfallsOf(hidden, undefined)).toEqual({ unmet: [], lesser: [] })
  })

  it('warns of a gap that nobody chose, demands none where the archive is to be complete, and spares accepted ones', () => {
    const grade = { ...frozen, gaps: [snapshots, scratch] }
    expect(shortfallsOf(grade, undefined).lesser).toEqual(['It lacks snapshots. Remove them.'])
    expect(unmet(grade, { complete: true })).toEqual(['It lacks snapshots. Remove them.', 'It lacks the disk scsi1.'])
    expect(unmet(grade, { complete: true, accept: ['disks'] })).toEqual(['It lacks snapshots. Remove them.'])
    expect(shortfallsOf(grade, required({ accept: ['snapshots'] }))).toEqual({ unmet: [], lesser: [] })
  })
})

describe('a requirement', () => {
  it('is refused when it requires nothing, or what no name stands for', () => {
    for (const wrong of [
      {},
      { complete: false },
      { consistency: 'perfect' },
      { accept: ['everything'] },
      { complte: true },
    ])
      expect(requirementSchema.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
  })
})

describe('a job', () => {
  const job = (require: object) =>
    jobSchema.safeParse({ site: 'hq', guests: { vmids: [100] }, backup: { excludePaths: ['/srv'] }, require })

  it('is refused when it requires every file and leaves some out', () => {
    expect(job({ complete: true }).error?.issues[0]).toMatchObject({
      path: ['require'],
      message: expect.stringContaining('add "files" to require.accept'),
    })
    for (const fine of [{ complete: true, accept: ['files'] }, { consistency: 'crash' }])
      expect(job(fine).success).toBe(true)
  })
})

describe('a grade in short', () => {
  it('says each gap once, and that nothing is known where nothing is', () => {
    const short = shortGrade({ ...frozen, gaps: [snapshots, scratch, scratch], gapsMayLack: 'x' })
    expect(short).toEqual({ consistency: 'file-system', gaps: ['snapshots', 'disks'], gapsMayLack: true })
    expect(gradeText(short)).toBe('file-system consistent, without snapshots, disks, perhaps without more')
    expect(gradeText({ gaps: [] })).toBe('consistency unknown')
    expect(gradeText(undefined)).toBe('grade unknown')
    expect(gradeText(shortGrade(frozen))).toBe('file-system consistent')
  })
})
