/** From each alarm and notice of a deployment to its section in docs/operate.md, and back. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { workflowNames } from '../../lib/workflow-names.ts'
import { anchorsOf, sectionOf } from '../markdown.ts'
import { type Synthesised, synthesise } from './synthesise.ts'
import { statesOf } from './workflows/asl.ts'

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const page = read('operate.md')

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('watched')
})

/** Logical id → what the mail of an alarm says. */
function alarms(): [id: string, text: string][] {
  return Object.entries(synthesised.exports.findResources('AWS::CloudWatch::Alarm')).map(([id, alarm]) => [
    id,
    z.string().parse(alarm['Properties']['AlarmDescription']),
  ])
}

/** Logical id of a rule → what the mail of its notice says. Rules that mail nobody are left out. */
function notices(): [id: string, text: string][] {
  const shape = z.array(z.looseObject({ InputTransformer: z.looseObject({ InputTemplate: z.string() }).optional() }))
  return Object.entries(synthesised.exports.findResources('AWS::Events::Rule')).flatMap(([id, rule]) =>
    shape
      .parse(rule['Properties']['Targets'])
      .flatMap(({ InputTransformer }): [string, string][] =>
        InputTransformer === undefined ? [] : [[id, InputTransformer.InputTemplate]],
      ),
  )
}

/** What the logical id of an alarm ends with, before the site and CDK's hash. */
const KINDS = ['Failed', 'TimedOut', 'Aborted', 'NotEmpty', 'NoSuccess', 'NothingArchived', 'GuestsUncovered']

const linkIn = (text: string): string | undefined => /What to do: docs\/operate\.md#([a-z0-9-]+)/.exec(text)?.[1]

describe('what to do', () => {
  it('is linked by every alarm and every notice, to a heading that is there', () => {
    const sent = [...alarms(), ...notices()]
    expect(alarms().length).toBeGreaterThanOrEqual(8 + 3 * Object.keys(workflowNames).length)
    expect(notices()).toHaveLength(3)
    const anchors = anchorsOf(page)
    expect(sent.filter(([, text]) => !anchors.has(linkIn(text) ?? 'no link')).map(([id]) => id)).toEqual([])
  })

  it('is a section of its own for each kind of alarm, which the table of alarms names', () => {
    const table = sectionOf(page, 'alarms')
    const kindOf = (id: string) => KINDS.find((kind) => new RegExp(`${kind}(hq|branch)?[0-9A-F]{8}$`).test(id))
    expect(new Set(alarms().map(([id]) => kindOf(id)))).toEqual(new Set(KINDS))
    expect(KINDS.filter((kind) => !table.includes(kind))).toEqual([])
    for (const [id, text] of alarms()) expect(table, id).toContain(`(#${linkIn(text) ?? 'no link'})`)
  })

  it('is a section for each error that a workflow itself ends with', () => {
    const errors = Object.values(synthesised.assembly.machines)
      .flatMap((machine) => statesOf(machine))
      .flatMap(([, { Type, ...state }]) => (Type === 'Fail' ? [String(state['Error'])] : []))
      .filter((error) => !error.startsWith('{%'))
    expect(errors.length).toBeGreaterThan(5)
    const anchors = new Set([...anchorsOf(page), ...anchorsOf(read('troubleshooting.md'))])
    expect(errors.filter((error) => !anchors.has(error.toLowerCase()))).toEqual([])
  })

  it('fits what AWS takes, and ends an alarm as a plain address that a mail program can find', () => {
    for (const [id, text] of alarms()) {
      expect(text, id).toMatch(/ docs\/operate\.md#[a-z0-9-]+$/)
      expect(text.length, id).toBeLessThanOrEqual(1024)
    }
  })
})
