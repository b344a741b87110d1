import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { verdictNameSchema } from '../../../functions/contracts/evidence.ts'
import { allVerdicts, type Row } from '../../../local/verdicts/combinations.ts'

const rows = [...allVerdicts()]
const of = (stage: Row['stage']) => rows.filter((row) => row.stage === stage)

describe('the table of verdicts', () => {
  it('holds each combination once, in an order that stays', () => {
    const keys = rows.map(({ stage, evidence }) => JSON.stringify([stage, evidence]))
    expect(new Set(keys).size).toBe(rows.length)
    expect([...allVerdicts()]).toEqual(rows)
  })

  it('shows every verdict that there is', () => {
    const judged = [...of('backup'), ...of('several')]
    expect(new Set(judged.map(({ verdict }) => verdict))).toEqual(new Set(verdictNameSchema.options))
    expect(new Set(of('ending').map(({ verdict }) => verdict))).toEqual(
      new Set(['ok', 'warnings', 'errors', 'interrupted', 'unknown']),
    )
    expect(new Set(of('source').map(({ verdict }) => verdict)).size).toBe(2)
    expect(new Set(of('reading').map(({ verdict }) => verdict)).size).toBe(2)
    expect(new Set(of('object').map(({ verdict }) => verdict)).size).toBe(6)
  })

  it('calls a backup good for this evidence and no other', () => {
    const good = of('backup').filter((row) => row.good)
    const proved = of('backup').filter(
      ({ evidence: each }) =>
        (each['ending'] === 'ok' || each['ending'] === 'warnings') &&
        each['guestFailure'] === false &&
        each['logComplete'] === true &&
        each['guestFinished'] === true &&
        each['archiveNamed'] === true &&
        each['listed'] === 'the named archive' &&
        each['secondLook'] === 'same size' &&
        each['empty'] === false &&
        ['after the job began', 'when the job began', '30 s before the job'].includes(String(each['archiveTime'])),
    )
    expect(good).toEqual(proved)
    expect(good).toHaveLength(12)
    for (const { verdict, evidence } of good) {
      const plain = evidence['ending'] === 'ok' && evidence['remarks'] === false
      expect(verdict).toBe(plain ? 'archived' : 'archived-with-warnings')
    }
  })

  it('calls two sources good together only under two names and of one time', () => {
    const good = of('several').filter((row) => row.good)
    expect(good.map(({ evidence }) => evidence)).toEqual([{ names: 'different', times: 'one' }])
    expect(of('several')).toHaveLength(4)
  })

  it('warns of a mode that was not asked for unless the guest was stopped, of unknown lines, and of a lock that stays', () => {
    const rows = of('made')
    expect(rows.every(({ good }) => good)).toBe(true)
    for (const { verdict, evidence } of rows) {
      const lesser =
        evidence['modeUsed'] !== 'absent' &&
        evidence['modeUsed'] !== evidence['modeAsked'] &&
        !(evidence['modeUsed'] === 'stop' && evidence['guestStopped'] === true)
      const plain = !lesser && evidence['unknownLogLine'] === false && evidence['guestStaysLocked'] === false
      expect(verdict, JSON.stringify(evidence)).toBe(plain ? 'archived' : 'archived-with-warnings')
    }
  })

  it('calls an ending good only when status and last line say so', () => {
    for (const { evidence, good } of of('ending').filter((row) => row.good)) {
      const said = [evidence['exitStatus'], evidence['lastLogLine']].join(' ')
      expect(said).toMatch(/OK|WARNINGS: 2/)
      expect(said).not.toMatch(/ERROR|errors|interrupt|403|got timeout/)
      expect(evidence['taskStatus']).toBe('stopped')
      expect(good).toBe(true)
    }
  })

  it('calls an object good for one combination only', () => {
    expect(of('object').filter((row) => row.good)).toHaveLength(1)
    expect(
      of('source')
        .filter((row) => row.good)
        .map(({ evidence }) => evidence),
    ).toEqual([{ size: 'as listed' }])
    expect(
      of('reading')
        .filter((row) => row.good)
        .map(({ evidence }) => evidence),
    ).toEqual([
      { size: 'same', modificationTime: 'same', mark: 'same' },
      { size: 'same', modificationTime: 'same', mark: 'absent' },
    ])
  })

  it('is printed as JSON', () => {
    const main = fileURLToPath(new URL('../../../local/verdicts/main.ts', import.meta.url))
    const { status, stdout } = spawnSync(process.execPath, [main], { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 })
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(rows)))
  })
})
