/**
 * The text of each notice, as EventBridge makes it of an event: a template of JSON strings, one a line, whose placeholders
 * are filled without escaping. "EventBridge doesn't escape values extracted by Input Path, when populating the Input
 * Template": https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
import jsonata from 'jsonata'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { plainCause } from '../../lib/workflows/rethrown.ts'
import type { Definition } from '../../local/run/synthesised.ts'
import { type Synthesised, synthesise } from './synthesise.ts'
import { statesOf } from './workflows/asl.ts'

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('inOneRegion')
})

const nasty = 'Guest 100: the "web" server\nsaid \\ "no"\r\n\tand\u0007 more'
const ofLambda = JSON.stringify({ errorType: 'StoreDenied', errorMessage: nasty, trace: ['at x ("y")', 'at z'] })

const evaluated = async (expression: string, context: object): Promise<string> =>
  z.string().parse(await jsonata(expression.slice(2, -2)).evaluate({}, { ...context }))

/** What each Fail state of a workflow gives as the cause, when everything that it takes over is as odd as can be. */
async function causesOf(definition: Definition, text: string): Promise<string[]> {
  const context = {
    states: {
      input: { Error: 'E', Cause: text, summary: text, reason: text, platform: text, verdict: 'V' },
      context: { StateMachine: { Id: 'arn:machine' }, Execution: { Id: 'arn:execution' } },
    },
    summary: text,
    error: { Error: 'E', Cause: text },
  }
  const causes = statesOf(definition).flatMap(([, state]) => (state.Type === 'Fail' ? [String(state['Cause'])] : []))
  return Promise.all(causes.map((cause) => evaluated(cause.startsWith('{%') ? cause : `{%'${cause}'%}`, context)))
}

const transformerSchema = z.object({ InputPathsMap: z.record(z.string(), z.string()), InputTemplate: z.string() })

function templates(): z.output<typeof transformerSchema>[] {
  return Object.values(synthesised.exports.findResources('AWS::Events::Rule')).flatMap((rule) =>
    z
      .array(z.looseObject({ InputTransformer: transformerSchema.optional() }))
      .parse(rule['Properties']['Targets'])
      .flatMap(({ InputTransformer }) => InputTransformer ?? []),
  )
}

/** @throws where a line is no JSON string any more */
function noticeOf({ InputPathsMap, InputTemplate }: z.output<typeof transformerSchema>, detail: object): string[] {
  const fields = new Map(Object.entries(detail))
  const filled = InputTemplate.replaceAll(/<([^>]+)>/g, (_, name: string) =>
    String(fields.get((InputPathsMap[name] ?? '').replace('$.detail.', '')) ?? ''),
  )
  return filled.split('\n').map((line) => z.string().parse(JSON.parse(line)))
}

/** As Step Functions tells of an execution: input and output are JSON, as text. */
const ended = (cause: string) => ({
  executionArn: 'arn:aws:states:eu-central-1:123456789012:execution:guestlift-test-export-run:nightly',
  stateMachineArn: 'arn:aws:states:eu-central-1:123456789012:stateMachine:guestlift-test-export-run',
  name: 'nightly',
  status: 'FAILED',
  startDate: 1_795_312_800_000,
  input: JSON.stringify({ site: 'hq', note: nasty }),
  output: JSON.stringify(nasty),
  error: 'RunPartlyFailed',
  cause,
})

describe('a notice', () => {
  it('stays whole whatever an execution failed with: its text, and what repeats the run', async () => {
    const causes = (
      await Promise.all(
        Object.values(synthesised.assembly.machines).flatMap((one) => [causesOf(one, nasty), causesOf(one, ofLambda)]),
      )
    ).flat()
    expect(causes.length).toBeGreaterThan(30)
    expect(templates()).toHaveLength(3)
    for (const template of templates()) {
      for (const cause of causes) {
        const lines = noticeOf(template, ended(cause))
        expect(lines.length).toBeGreaterThan(2)
        // That of a clean-up quotes none.
        const quoted = lines.filter((line) => line.startsWith('Cause: '))
        expect(quoted).toEqual(quoted.map(() => `Cause: ${cause}`))
      }
    }
    const [repeat] = templates().flatMap((one) => noticeOf(one, ended('x')).filter((line) => line.includes('"again"')))
    expect(JSON.parse(repeat?.slice(repeat.indexOf('{')) ?? '')).toEqual({
      again: { run: 'nightly', startedAt: 1_795_312_800_000 },
    })
  })

  it('says once where the logs are', () => {
    const logs = templates().map((one) => noticeOf(one, ended('x')).filter((line) => line.startsWith('Logs: ')).length)
    expect(logs.toSorted((a, b) => a - b)).toEqual([0, 1, 1])
  })

  it('would not bear a cause as it comes', () => {
    const [template] = templates()
    if (template === undefined) throw new Error('there is no notice')
    expect(() => noticeOf(template, ended(nasty))).toThrow(/JSON/)
  })
})

describe('a cause in plain words', () => {
  const told = (text: string) => evaluated(plainCause('$given'), { given: text })

  it.each([
    ['is left as it is where nothing in it is odd', 'Site hq: no answer.', 'Site hq: no answer.'],
    [
      'is the message alone of what Lambda wraps',
      JSON.stringify({ errorType: 'X', errorMessage: 'the "web"\n server', trace: ['at "y"'] }),
      "the 'web' server",
    ],
    ['comes out of a wrapping that was cut short', '{"errorMessage":"the \\"web\\" ser', "the 'web' ser"],
    ['loses quotes and line breaks of its own', 'a "b"\n\n c', "a 'b' c"],
    ['may be empty', '', ''],
  ])('%s', async (_what, text, words) => {
    expect(await told(text)).toBe(words)
  })
})
