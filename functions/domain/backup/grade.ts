/** Whether what a backup reached is what was asked for, and a grade in words. Pure, and the same for every platform. */
import {
  type Consistency,
  consistencySchema,
  type Gap,
  type GapName,
  type Grade,
  type Requirement,
  type ShortGrade,
} from '../../contracts/grade.ts'
import { sentence } from '../words/sentence.ts'

/** Best first. */
const ORDER = consistencySchema.options

export function isLess(one: Consistency, than: Consistency): boolean {
  return ORDER.indexOf(one) > ORDER.indexOf(than)
}

export interface Shortfalls {
  /** What the job requires and the archive lacks, a sentence each. */
  unmet: string[]
  /** What nobody required and anybody would expect, a sentence each. */
  lesser: string[]
}

/** A requirement is met only by what is known: without a grade it isn't. */
export function shortfallsOf(grade: Grade | undefined, required: Requirement | undefined): Shortfalls {
  const consistency = consistencyShortfalls(grade, required?.consistency)
  const gaps = (grade?.gaps ?? []).filter(({ name }) => required?.accept.includes(name) !== true)
  if (required?.complete !== true) {
    const told = gaps.filter(({ chosen }) => chosen !== true)
    return { ...consistency, lesser: [...consistency.lesser, ...told.map(gapSentence)] }
  }
  const uncertain = grade === undefined ? 'nothing shows what was left out' : grade.gapsMayLack
  const unknown = uncertain === undefined ? [] : [`It isn't known to be complete: ${sentence(uncertain)}`]
  return { ...consistency, unmet: [...consistency.unmet, ...gaps.map(gapSentence), ...unknown] }
}

function consistencyShortfalls(grade: Grade | undefined, required: Consistency | undefined): Shortfalls {
  const { consistency, expected, reason = 'nothing shows it.', advice } = grade ?? {}
  const why = advice === undefined ? sentence(reason) : `${sentence(reason)} ${advice}`
  if (required !== undefined) {
    const met = consistency !== undefined && !isLess(consistency, required)
    const reached =
      consistency === undefined ? "It isn't known how consistent it is" : `It is ${consistencyWords(consistency)}`
    return { unmet: met ? [] : [`${reached}, and the job requires ${consistencyWords(required)}: ${why}`], lesser: [] }
  }
  if (consistency === undefined || expected === undefined || !isLess(consistency, expected)) {
    return { unmet: [], lesser: [] }
  }
  return { unmet: [], lesser: [`It is ${consistencyWords(consistency)} and not ${consistencyWords(expected)}: ${why}`] }
}

function gapSentence({ what, advice }: Gap): string {
  return `It lacks ${sentence(what)}${advice === undefined ? '' : ` ${advice}`}`
}

/** How a consistency is called; `undefined`: nobody knows it. */
export function consistencyWords(consistency: Consistency | undefined): string {
  return consistency === undefined ? 'consistency unknown' : `${consistency} consistent`
}

export function gapWords(name: GapName): string {
  return name.replace('-', ' ')
}

export function shortGrade({ consistency, gaps, gapsMayLack }: Grade): ShortGrade {
  return {
    ...(consistency === undefined ? {} : { consistency }),
    gaps: [...new Set(gaps.map(({ name }) => name))],
    ...(gapsMayLack === undefined ? {} : { gapsMayLack: true }),
  }
}

/** `file-system consistent, without snapshots`. Of archives whose manifest tells no grade, that it isn't known. */
export function gradeText(grade: ShortGrade | undefined): string {
  if (grade === undefined) return 'grade unknown'
  const { consistency, gaps, gapsMayLack } = grade
  const without = gaps.length === 0 ? '' : `, without ${gaps.map(gapWords).join(', ')}`
  return `${consistencyWords(consistency)}${without}${gapsMayLack === true ? ', perhaps without more' : ''}`
}
