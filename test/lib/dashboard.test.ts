/** The dashboard of a deployment: each figure that it shows is one that somebody writes. */
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { RunReport } from '../../functions/contracts/report.ts'
import { coverageMetrics } from '../../functions/domain/coverage/coverage-metrics.ts'
import { runMetrics } from '../../functions/domain/metrics/run-metrics.ts'
import { verificationMetrics } from '../../functions/domain/verification/verification-metrics.ts'
import { synthesise } from './synthesise.ts'

const widgetsSchema = z.object({
  widgets: z.array(
    z.object({ type: z.string(), properties: z.looseObject({ metrics: z.array(z.array(z.unknown())).default([]) }) }),
  ),
})
let metrics: unknown[][]
let text: string
let functionNames: unknown[]

/** What a template joins, with the logical ids of what it refers to. */
function rendered(value: unknown): string {
  if (typeof value === 'string') return value
  const join = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) }).safeParse(value).data
  if (join !== undefined) return join['Fn::Join'][1].map(rendered).join(join['Fn::Join'][0])
  return `<${Object.values(z.record(z.string(), z.unknown()).parse(value)).flat().map(String).join('.')}>`
}

beforeAll(async () => {
  const { exports } = await synthesise('watched')
  const [found] = Object.values(exports.findResources('AWS::CloudWatch::Dashboard'))
  text = rendered(found?.['Properties'].DashboardBody)
  const { widgets } = widgetsSchema.parse(JSON.parse(text))
  metrics = widgets.flatMap(({ properties }) => properties.metrics)
  functionNames = Object.values(exports.findResources('AWS::Lambda::Function')).map(
    (one) => one['Properties'].FunctionName,
  )
})

/** Namespace, names of the dimensions, and name of each figure of lines in the embedded metric format. */
function written(): Set<string> {
  const report = { guests: [], startedAt: '2026-11-22T02:00:00.000Z', endedAt: '2026-11-22T03:00:00.000Z' }
  const run: RunReport = { version: 1, runId: 'r', outcome: 'succeeded', summary: '', notes: [], site: 'hq', ...report }
  const guest = { id: '100', kind: 'qemu', state: 'covered', newestAt: report.startedAt, reasons: [] }
  const judged = { site: 'hq', judgedAt: report.endedAt, counts: { covered: 1, stale: 0 }, guests: [guest] }
  const lines = [
    runMetrics('watched', run),
    coverageMetrics('watched', judged as unknown as Parameters<typeof coverageMetrics>[1]),
    verificationMetrics('watched', { archives: [], unread: [], endedAt: report.endedAt }, 'hq'),
  ]
  const declared = z.object({
    Namespace: z.string(),
    Dimensions: z.array(z.array(z.string())),
    Metrics: z.array(z.object({ Name: z.string() })),
  })
  return new Set(
    lines.flatMap((line) =>
      z
        .looseObject({ _aws: z.object({ CloudWatchMetrics: z.array(declared) }) })
        .parse(line)
        ._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
          Metrics.map(({ Name }) => `{${[Namespace, ...Dimensions.flat()].join(',')}} MetricName="${Name}"`),
        ),
    ),
  )
}

describe('the dashboard', () => {
  it('searches for figures that the functions write, of this deployment, at all sites', () => {
    const searches = metrics.flatMap(([first]) => {
      const { expression } = z.object({ expression: z.string() }).safeParse(first).data ?? {}
      return expression === undefined ? [] : [expression]
    })
    expect(searches.length).toBeGreaterThan(10)
    const known = written()
    for (const search of searches) {
      const [, sought = '', deployment] =
        /^SEARCH\('(.+) Deployment="(.+)"', '(?:Sum|Maximum)', 86400\)$/.exec(search) ?? []
      expect(known).toContain(sought)
      expect(deployment).toBe('watched')
    }
  })

  it('asks for functions that there are', () => {
    const asked = metrics.flatMap(([namespace, , , value]) => (namespace === 'AWS/Lambda' ? [value] : []))
    expect(new Set(asked)).toEqual(new Set(functionNames))
  })

  it('links to the reports', () => {
    expect(text).toContain('&prefix=runs/)')
  })

  it('is not made where it is switched off', async () => {
    const { exports } = await synthesise('withoutDashboard')
    expect(exports.findResources('AWS::CloudWatch::Dashboard')).toEqual({})
  })
})
