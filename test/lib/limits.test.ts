/** What AWS would refuse only when a large deployment is deployed. Without bundles and without rule checks: it is cheap. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type DeploymentConfig, parseDeployment } from '../../lib/deployment-config.ts'
import { ExportStack } from '../../lib/export-stack.ts'
import { readTemplate, rightsOfRoles, type Template } from '../../local/iam/rights.ts'

/** Everything on, and every name as long as it may be. */
function longest(siteCount: number): DeploymentConfig {
  const sites = Array.from({ length: siteCount }, (_, index) => `site-${index}-`.padEnd(55, 'x'))
  const nightly = (site: string, index: number) => ({
    name: `nightly-${index}-`.padEnd(63, 'x'),
    expression: 'cron(0 2 * * ? *)',
    timezone: 'Europe/Berlin',
    job: { site, guests: { all: true as const } },
  })
  return {
    name: 'a'.repeat(24),
    sites,
    region: 'eu-north-1',
    notificationEmails: ['ops@example.com'],
    alarmAfterHoursWithoutSuccess: 26,
    vpc: { vpcId: 'vpc-01234567', subnetIds: ['subnet-01234567'], securityGroupIds: ['sg-01234567'] },
    schedules: sites.map(nightly),
    retention: sites.map((site) => ({ site, retention: { 'keep-last': 3 } })),
    drills: sites.map((site, index) => ({
      name: `drill-${index}-`.padEnd(24, 'x'),
      request: { site, guests: { all: true as const }, ids: '9900-9949' },
    })),
  }
}

interface Written {
  file: string
  text: string
  template: Template
}

function written(siteCount: number): Written[] {
  const outdir = mkdtempSync(join(tmpdir(), 'guestlift-limits-'))
  try {
    const app = new App({
      outdir,
      context: { 'aws:cdk:bundling-stacks': [], '@aws-cdk/aws-iam:minimizePolicies': true },
    })
    new ExportStack(app, parseDeployment(longest(siteCount), 'the test'))
    app.synth()
    return readdirSync(outdir)
      .filter((file) => file.endsWith('template.json'))
      .map((file) => {
        const text = readFileSync(join(outdir, file), 'utf8')
        return { file, text, template: readTemplate(JSON.parse(text)) }
      })
  } finally {
    rmSync(outdir, { recursive: true })
  }
}

/** Text of a document without blanks, as IAM counts it, with the longest values for what is known when it is deployed. */
function sizeOf(document: unknown): number {
  return JSON.stringify(document, (_, value: unknown) => {
    const [first, ...others] = typeof value === 'object' && value !== null ? Object.entries(value) : []
    const [name, argument] = first ?? []
    if (others.length > 0 || !(name === 'Ref' || name?.startsWith('Fn::') === true)) return value
    if (name === 'Fn::Join')
      return (argument as [string, unknown[]])[1].map((part) => 'x'.repeat(sizeOf(part) - '""'.length)).join('')
    const known: Readonly<Record<string, number>> = { 'AWS::AccountId': 12, 'AWS::Region': 14, 'AWS::Partition': 10 }
    return 'x'.repeat(known[String(argument)] ?? 120)
  }).length
}

/** Service quotas: Lambda, Step Functions, EventBridge Scheduler, CodeBuild, S3, CloudWatch Logs. */
const longestNames: readonly (readonly [type: string, property: string, most: number])[] = [
  ['AWS::Lambda::Function', 'FunctionName', 64],
  ['AWS::Lambda::Function', 'Description', 256],
  ['AWS::StepFunctions::StateMachine', 'StateMachineName', 80],
  ['AWS::Scheduler::Schedule', 'Name', 64],
  ['AWS::Scheduler::Schedule', 'Description', 512],
  ['AWS::Scheduler::ScheduleGroup', 'Name', 64],
  ['AWS::Events::Rule', 'Description', 512],
  ['AWS::CloudWatch::Alarm', 'AlarmDescription', 1024],
  ['AWS::SNS::Topic', 'DisplayName', 100],
  ['AWS::Logs::LogGroup', 'LogGroupName', 512],
  ['AWS::IAM::Role', 'Description', 1000],
]

describe.each([1, 60, 200])('a deployment of %i sites with everything on', (siteCount) => {
  let all: Written[] | undefined
  const templates = () => (all ??= written(siteCount))
  const resources = () => templates().flatMap(({ template }) => Object.values(template.Resources))

  it('has templates of at most 500 resources and a million bytes each', () => {
    expect(templates().length).toBeGreaterThan(0)
    for (const { file, text, template } of templates()) {
      expect([file, Object.keys(template.Resources).length]).toEqual([
        file,
        expect.toSatisfy((count: number) => count <= 500),
      ])
      expect([file, Buffer.byteLength(text)]).toEqual([file, expect.toSatisfy((size: number) => size <= 1_000_000)])
    }
  })

  it('leaves out none of what belongs to a site', () => {
    const count = (type: string) => resources().filter(({ Type }) => Type === type).length
    // A run, a pruning, a check and a drill of each, and two of the whole.
    expect(count('AWS::Scheduler::Schedule')).toBe(4 * siteCount + 2)
    // Two of each, and one of the whole.
    const watched = resources().filter(({ Properties }) => Properties['Namespace'] === 'Guestlift')
    expect(watched).toHaveLength(2 * siteCount + 1)
    const names = resources().flatMap(({ Type, Properties }) =>
      Type === 'AWS::Scheduler::Schedule'
        ? [`${JSON.stringify(Properties['GroupName'])} ${String(Properties['Name'])}`]
        : [],
    )
    expect(new Set(names).size).toBe(names.length)
  })

  it('has policies that IAM takes', () => {
    for (const { template } of templates()) {
      const inline = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::IAM::Policy')
      for (const role of rightsOfRoles(template).keys()) {
        const its = inline.filter(({ Properties }) => JSON.stringify(Properties['Roles']).includes(`"${role}"`))
        const size = its.reduce((sum, { Properties }) => sum + sizeOf(Properties['PolicyDocument']), 0)
        expect([role, size]).toEqual([role, expect.toSatisfy((characters: number) => characters <= 10_240)])
      }
    }
    const managed = resources().filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy')
    const attached = resources().flatMap(({ Type, Properties }) =>
      Type === 'AWS::IAM::Role' ? [z.array(z.unknown()).default([]).parse(Properties['ManagedPolicyArns']).length] : [],
    )
    expect(Math.max(...attached)).toBeGreaterThan(0)
    expect(Math.max(...attached)).toBeLessThanOrEqual(10)
    for (const { Properties } of managed) expect(sizeOf(Properties['PolicyDocument'])).toBeLessThanOrEqual(6144)
  })

  it.each(longestNames)('names no %s by a %s of more than %i characters', (type, property, most) => {
    const names = resources().flatMap(({ Type, Properties }) => (Type === type ? [Properties[property] ?? ''] : []))
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) expect(z.string().parse(name).length).toBeLessThanOrEqual(most)
  })
})
