import { styleText } from 'node:util'
import { CHECKS, type Finding, type FindingVerdict } from '../../../functions/domain/doctor/finding.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import { plain } from './columns.ts'

const MARKS: Readonly<Record<FindingVerdict, { mark: string; colour: 'green' | 'red' | 'yellow' | 'dim' }>> = {
  passed: { mark: '✓', colour: 'green' },
  failed: { mark: '✗', colour: 'red' },
  warning: { mark: '!', colour: 'yellow' },
  unchecked: { mark: '-', colour: 'dim' },
}

/** A line for each finding, and one for all of them. */
export function findingLines(findings: readonly Finding[], stream: NodeJS.WriteStream): string[] {
  const lines = findings.map(({ check, at, verdict, message }) => {
    const { mark, colour } = MARKS[verdict]
    const title = at === undefined ? CHECKS[check] : `${CHECKS[check]} (${plain(at)})`
    return `${styleText(colour, mark, { stream })} ${title}: ${plain(message)}`
  })
  return [...lines, '', summary(findings)]
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: FindingVerdict) => findings.filter(({ verdict }) => verdict === wanted).length
  const [failures, warnings, open] = [count('failed'), count('warning'), count('unchecked')]
  const rest = [
    ...(warnings === 0 ? [] : [counted(warnings, 'warning')]),
    ...(open === 0 ? [] : [`${open} not checked`]),
  ]
  const first = failures === 0 ? 'Nothing stands against a run' : `${counted(failures, 'check')} failed`
  return `${[first, ...rest].join(', ')}.${failures === 0 ? '' : ' Mend what is marked ✗, and run doctor again.'}`
}
