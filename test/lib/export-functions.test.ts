import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type TaskName, tasks } from '../../functions/contracts/tasks.ts'
import { smallest, type Synthesised, synthesise } from './synthesise.ts'

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise({ ...smallest, sites: ['hq', 'branch'], defaultSite: 'hq' })
})

const policySchema = z.object({
  Properties: z.object({
    PolicyDocument: z.object({
      Statement: z.array(
        z.object({
          Action: z.union([z.string(), z.array(z.string())]),
          Resource: z.unknown(),
          Effect: z.string(),
          Condition: z.unknown().optional(),
        }),
      ),
    }),
  }),
})

/** A resource as a person reads it: `archive-bucket/runs/*`, `secret:guestlift/site/hq-??????`. */
function readable(resource: unknown): string {
  if (typeof resource === 'string') return resource
  const [[name, argument] = ['', undefined]] = Object.entries(resource ?? {})
  if (name === 'Fn::Join') return (argument as [string, unknown[]])[1].map(readable).join('')
  if (name === 'Fn::GetAtt') return `<${(argument as string[])[0]?.replace(/[0-9A-F]{8}$/, '')}>`
  if (name === 'Ref') return `<${String(argument).replace(/[0-9A-F]{8}$/, '')}>`
  return `<${String(argument)}>`
}

/** What each role may do: action → resources, by the construct that has the right. */
function rights(): Record<string, string[]> {
  const policies = Object.entries(synthesised.exports.findResources('AWS::IAM::Policy'))
  return Object.fromEntries(
    policies
      .map(([id, policy]) => {
        const { Statement } = policySchema.parse(policy).Properties.PolicyDocument
        const lines = Statement.flatMap(({ Action, Resource, Condition }) =>
          [Action]
            .flat()
            .flatMap((action) =>
              (Array.isArray(Resource) ? Resource : [Resource]).map(
                (resource) =>
                  `${action} on ${readable(resource)}${Condition ? ` if ${JSON.stringify(Condition)}` : ''}`,
              ),
            ),
        )
        return [id.replace(/(Role)?DefaultPolicy[0-9A-F]{8}$|[0-9A-F]{8}$/, ''), lines.toSorted()] as const
      })
      .toSorted(([one], [other]) => one.localeCompare(other)),
  )
}

function rightsOf(task: TaskName): string[] {
  return rights()[`Functions${task}`] ?? []
}

describe('the functions', () => {
  it('may do what the snapshot lists, and no more', async () => {
    await expect(`${JSON.stringify(rights(), null, 2)}\n`).toMatchFileSnapshot('./__snapshots__/iam.json')
  })

  it('have a role each, and no policy of AWS’s making', () => {
    const roles = Object.entries(synthesised.exports.findResources('AWS::IAM::Role'))
    const used = Object.values(synthesised.exports.findResources('AWS::Lambda::Function')).map((each) =>
      JSON.stringify(each['Properties'].Role),
    )
    expect(new Set(used).size).toBe(Object.keys(tasks).length)
    expect(roles.filter(([, role]) => 'ManagedPolicyArns' in (role['Properties'] as object))).toEqual([])
  })

  it('hold no wildcard but object keys in a folder and a secret’s random suffix', () => {
    for (const task of Object.keys(tasks) as TaskName[]) {
      expect(rightsOf(task).length, task).toBeGreaterThan(2)
      for (const right of rightsOf(task)) {
        const [action = '', resource = ''] = right.split(' on ')
        expect(action).not.toContain('*')
        if (resource.includes('*'))
          expect(resource).toMatch(/archive-bucket>\/(archives|runs|claims|uploads|schedules)\/\*$/)
        if (resource.includes('?')) expect(resource).toMatch(/:secret:guestlift\/site\/(hq|branch)-\?{6}$/)
      }
    }
  })

  it('read the sites’ secrets only where the contract names them', () => {
    for (const task of Object.keys(tasks) as TaskName[]) {
      const secrets = rightsOf(task).filter((right) => right.startsWith('secretsmanager:GetSecretValue'))
      expect(secrets, task).toHaveLength('SITE_SECRET_PREFIX' in tasks[task].env.shape ? 2 : 0)
    }
  })

  it('can never delete a version, change retention or touch the bucket’s settings', () => {
    const actions = Object.values(rights())
      .flat()
      .map((right) => right.split(' ')[0] ?? '')
    expect(
      actions.filter((action) => /DeleteObjectVersion|Retention|LegalHold|PutBucket|DeleteBucket|Bypass/.test(action)),
    ).toEqual([])
    const deletes = Object.values(rights())
      .flat()
      .filter((right) => right.startsWith('s3:DeleteObject'))
    expect(deletes.every((right) => right.endsWith('/uploads/*'))).toBe(true)
  })

  it('may list the bucket wherever they read, since a missing key would answer 403 otherwise', () => {
    for (const [name, lines] of Object.entries(rights()).filter(([name]) => name.startsWith('Functions'))) {
      const reads = lines.some((line) => line.startsWith('s3:GetObject on'))
      expect(
        lines.some((line) => line.startsWith('s3:ListBucket on')),
        name,
      ).toBe(reads)
    }
  })

  it('get the environment of their contract, which accepts it', () => {
    for (const task of Object.keys(tasks) as TaskName[]) {
      const { environment } = synthesised.assembly.functions[tasks[task].stem] ?? {}
      const { NODE_OPTIONS, ...ours } = environment ?? {}
      expect(NODE_OPTIONS).toBe('--enable-source-maps')
      expect(Object.keys(ours).toSorted(), task).toEqual(Object.keys(tasks[task].env.shape).toSorted())
      expect(tasks[task].env.safeParse(ours).success, task).toBe(true)
    }
  })

  it('run on Node 24 for arm64 with JSON logs in a log group of their own that expires', () => {
    const { exports } = synthesised
    exports.resourceCountIs('AWS::Lambda::Function', Object.keys(tasks).length)
    exports.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      LoggingConfig: { LogFormat: 'JSON' },
    })
    exports.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 })
    exports.resourceCountIs('AWS::Logs::LogGroup', Object.keys(tasks).length + 2)
  })

  it('take memory and concurrency of the copy from the configuration', async () => {
    const { exports } = await synthesise({
      ...smallest,
      transfer: { memoryMiB: 3008, reservedConcurrency: 4, maxConcurrency: 7 },
    })
    exports.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'guestlift-test-copy-parts',
      MemorySize: 3008,
      ReservedConcurrentExecutions: 4,
    })
    const reserved = Object.values(exports.findResources('AWS::Lambda::Function')).filter(
      (each) => 'ReservedConcurrentExecutions' in each['Properties'],
    )
    expect(reserved).toHaveLength(1)
  })
})
