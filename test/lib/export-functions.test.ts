import { functionNodeOptions } from '../../lib/node-options.ts'
import { Match } from 'aws-cdk-lib/assertions'
import { beforeAll, describe, expect, it } from 'vitest'
import { restoreTasks } from '../../functions/contracts/restore-tasks.ts'
import { type TaskName, tasks } from '../../functions/contracts/tasks.ts'
import { readTemplate, type Right, rightsOfRoles } from '../../local/iam/rights.ts'
import { workflowNames } from '../../lib/workflow-names.ts'
import { sorted } from './sorted.ts'
import { type Synthesised, synthesise } from './synthesise.ts'

/** Of the workflows and the larger runner. */
const logsOfOthers = Object.keys(workflowNames).length + 1
const taskNames = Object.keys(tasks) as TaskName[]
let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('twoSites')
})

/** What each role may do: action → resources, by the construct that has the role. Policies that roles share are told for each. */
function rights(): Record<string, string[]> {
  const roles = rightsOfRoles(readTemplate(synthesised.exports.toJSON()))
  const lines = [...roles].map(([id, its]) => [id.replace(/(Role)?[0-9A-F]{8}$/, ''), sorted(its.map(line))] as const)
  return Object.fromEntries(lines.toSorted(([one], [other]) => one.localeCompare(other)))
}

function line({ action, resource, condition }: Right): string {
  return `${action} on ${resource}${condition === undefined ? '' : ` if ${condition}`}`
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
    const attached = roles.flatMap(([, role]) => role['Properties'].ManagedPolicyArns ?? [])
    expect(new Set(attached.map((arn: unknown) => JSON.stringify(arn)))).toEqual(
      new Set(Object.keys(synthesised.exports.findResources('AWS::IAM::ManagedPolicy')).map((id) => `{"Ref":"${id}"}`)),
    )
  })

  it('hold no wildcard but object keys in a folder and a secret’s random suffix', () => {
    const wild = taskNames.flatMap(rightsOf).filter((right) => /[*?]/.test(right))
    const documented = [
      /^s3:\w+ on archive-bucket\/(archives|runs|claims|uploads|schedules|streams|sweeps|dumps|retention|prunings|catalogue|coverage|verifications|sessions|sites|restores|drills|configurations)\/\*$/,
      /^s3:\w+ on archive-bucket\/uploads\/(test|archives|parts)\/\*$/,
      /^s3:\w+ on archive-bucket\/runs\/\*\/((progress|evidence|guests)\/\*|(job|plan|selection|report)\.json|report\.html)$/,
      /^s3:(Put|Delete)Object on archive-bucket\/archives\/\*\/(verification\.json|\*\.index\.zst)$/,
      /^s3:PutObject on archive-bucket\/retention\/\*\/pins\/\*$/,
      /^s3:PutObject on archive-bucket\/verifications\/\*\/verdicts\/\*$/,
      /^s3:PutObject(Retention)? on archive-bucket\/archives\/\* if \{/,
      /^s3:PutObject on archive-bucket\/archives\/\*\/(manifest\.json|guest\.json|side\/\*|\*\.(log|notes)|\*\.(parts|map|frames)\.json)$/,
      /^s3:GetObject on archive-bucket\/archives\/\*\/(manifest\.json|guest\.json|side\/\*|\*\.(parts|map)\.json)$/,
      /^s3:(Put|Delete)Object on archive-bucket\/restores\/(open\/\*|\*\/(delivered\/\*|(restore|report)\.json))$/,
      /^s3:PutObject on archive-bucket\/drills\/(sites\/\*|\*\/(plan|report)\.json)$/,
      // Disks that were taken out of archives, for restores alone.
      /^s3:\w+ on archive-bucket\/unpacked\/\*$/,
      /:secret:guestlift\/site\/(hq|branch)(\/restore\*|-\?{6})$/,
    ]
    expect(wild.length).toBeGreaterThan(20)
    expect(wild.filter((right) => !documented.some((pattern) => pattern.test(right)))).toEqual([])
  })

  it('read the sites’ secrets only where the contract names them', () => {
    const reads = (task: TaskName) => rightsOf(task).some((right) => right.startsWith('secretsmanager:GetSecretValue'))
    expect(taskNames.filter(reads)).toEqual(taskNames.filter((task) => 'SITE_SECRET_PREFIX' in tasks[task].env.shape))
  })

  it('ask about no secret but by reading it, and may ask about one that is not there yet', () => {
    const secret = 'arn:aws:secretsmanager::secret:guestlift/site'
    expect(rightsOf('PlanCopies').filter((right) => right.startsWith('secretsmanager:'))).toEqual(
      ['branch', 'branch-??????', 'hq', 'hq-??????'].map(
        (name) => `secretsmanager:GetSecretValue on ${secret}/${name}`,
      ),
    )
  })

  it('restore with an account of their own, which no other function can read, and write nothing among the archives', () => {
    const reads = (task: TaskName, secret: RegExp) =>
      rightsOf(task).some((right) => right.startsWith('secretsmanager:GetSecretValue') && secret.test(right))
    const restoring = taskNames.filter((task) => reads(task, /\/restore\*$/))
    expect(restoring).toEqual(
      taskNames.filter((task) => task in restoreTasks && 'SITE_SECRET_PREFIX' in tasks[task].env.shape),
    )
    expect(restoring.filter((task) => reads(task, /site\/(hq|branch)(-\?{6})?$/))).toEqual([])
    const writes = taskNames
      .filter((task) => task in restoreTasks)
      .flatMap(rightsOf)
      .filter(
        (right) =>
          /^s3:(Put|Delete|Abort)/.test(right) &&
          !/archive-bucket\/(restores|drills|streams|sessions|unpacked)\//.test(right),
      )
    expect(writes).toEqual([])
    const thawing = taskNames.filter((task) => rightsOf(task).some((right) => right.startsWith('s3:RestoreObject')))
    expect(thawing).toEqual(['ThawArchive'])
  })

  it('write among the archives only what they make there: parts, manifests with what lies beside, verdicts', () => {
    const writers = taskNames.flatMap((task) =>
      rightsOf(task)
        .filter((right) => right.startsWith('s3:PutObject on archive-bucket/archives/'))
        .map((right) => `${task}: ${right.slice('s3:PutObject on archive-bucket/'.length)}`),
    )
    expect(writers).toEqual([
      // Parts are no object. A disk's last one is made when it is completed.
      'OpenUpload: archives/* if {"Bool":{"s3:ObjectCreationOperation":"false"}}',
      'CopyParts: archives/* if {"Bool":{"s3:ObjectCreationOperation":"false"}}',
      'CompleteUpload: archives/* if {"Bool":{"s3:ObjectCreationOperation":"false"}}',
      // Nor is anything overwritten.
      'CompleteUpload: archives/* if {"Null":{"s3:if-none-match":"false"}}',
      'WriteManifest: archives/*/*.frames.json',
      'WriteManifest: archives/*/*.log',
      'WriteManifest: archives/*/*.map.json',
      'WriteManifest: archives/*/*.notes',
      'WriteManifest: archives/*/*.parts.json',
      'WriteManifest: archives/*/guest.json',
      'WriteManifest: archives/*/manifest.json',
      'WriteManifest: archives/*/side/*',
      'VerifyDeep: archives/*/*.index.zst',
      'VerifyDeep: archives/*/verification.json',
    ])
  })

  it('are worked for by services of this account alone', () => {
    const trusted = Object.values(synthesised.exports.findResources('AWS::IAM::Role')).flatMap((role) => {
      const { Statement } = role['Properties'].AssumeRolePolicyDocument
      const account = JSON.stringify({ Ref: 'AWS::AccountId' })
      return (Statement as { Principal: { Service: string }; Condition?: Record<string, Record<string, unknown>> }[])
        .filter(({ Condition }) => JSON.stringify(Condition?.['StringEquals']?.['aws:SourceAccount']) !== account)
        .map(({ Principal }) => Principal.Service)
    })
    // EventBridge starts the clean-ups by roles: roles can only be handed to a service within their own account.
    expect(trusted).toEqual(['events.amazonaws.com', 'events.amazonaws.com'])
  })

  it('are called by workflows without a version, and builds are watched without their reports', () => {
    const all = Object.values(rights()).flat()
    expect(
      all.filter((right) => right.startsWith('lambda:InvokeFunction')).filter((right) => right.endsWith(':*')),
    ).toEqual([])
    expect(all.filter((right) => right.startsWith('codebuild:')).map((right) => right.split(' ')[0])).toEqual([
      'codebuild:BatchGetBuilds',
      'codebuild:StartBuild',
      'codebuild:StopBuild',
    ])
  })

  it('can never weaken a lock, pass by one, or touch the bucket’s settings', () => {
    const found = taskNames.flatMap((task) =>
      rightsOf(task)
        .filter((right) => /Put\w*(Retention|LegalHold)|PutBucket|DeleteBucket|Bypass/.test(right))
        .map((right) => `${task}: ${right}`),
    )
    // Without the right to bypass, S3 lets it lengthen locks alone.
    expect(found).toEqual(
      ['OpenUpload', 'WriteManifest'].map((task) =>
        expect.stringMatching(
          new RegExp(`^${task}: s3:PutObjectRetention on archive-bucket/archives/\\* if .*remaining`),
        ),
      ),
    )
  })

  it.each([
    ['smallest', '401'],
    ['lockedForYears', '3651'],
  ] as const)('lock for no longer than the deployment says: %s', async (name, mostDays) => {
    const { exports: template } = await synthesise(name)
    const policies = Object.values(template.findResources('AWS::IAM::Policy'))
    const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    const locking = statements.filter(({ Action }) => [Action].flat().includes('s3:PutObjectRetention'))
    const Condition = { NumericLessThanEqualsIfExists: { 's3:object-lock-remaining-retention-days': mostDays } }
    expect(locking).toMatchObject([{ Condition }, { Condition }])
  })

  it('know what lock the deployment demands, where they plan and where they verify', async () => {
    const { assembly } = await synthesise('lockedForYears')
    const demands = Object.entries(assembly.functions).filter(([, { environment }]) => 'REQUIRED_LOCK' in environment)
    expect(Object.fromEntries(demands.map(([stem, { environment }]) => [stem, environment['REQUIRED_LOCK']]))).toEqual({
      'plan-run': 'compliance:3650',
      'verify-deep': 'compliance:3650',
    })
  })

  it('can delete nothing but bookkeeping, except those that prune, which remove versions of archives and nothing else', () => {
    const deletes = taskNames.flatMap((task) =>
      rightsOf(task)
        .filter((right) => right.startsWith('s3:DeleteObject'))
        .map((right) => `${task}: ${right}`),
    )
    const pruning = deletes.filter((right) => !/\/uploads\/(test|archives|parts)\/\*$/.test(right))
    expect(pruning).toEqual([
      'ApplyRetention: s3:DeleteObject on archive-bucket/retention/*',
      'ApplyRetention: s3:DeleteObjectVersion on archive-bucket/archives/*',
      'PruneArchives: s3:DeleteObject on archive-bucket/retention/*',
      'PruneArchives: s3:DeleteObjectVersion on archive-bucket/archives/*',
      'WriteCatalogue: s3:DeleteObject on archive-bucket/catalogue/*',
      // Its own word on an archive that was removed while it read: hidden, not removed.
      'VerifyDeep: s3:DeleteObject on archive-bucket/archives/*/*.index.zst',
      'VerifyDeep: s3:DeleteObject on archive-bucket/archives/*/verification.json',
      'FinishRestore: s3:DeleteObject on archive-bucket/restores/open/*',
      'FinishRestore: s3:DeleteObject on archive-bucket/unpacked/*',
      'SweepRestores: s3:DeleteObject on archive-bucket/restores/open/*',
      'SweepRestores: s3:DeleteObject on archive-bucket/unpacked/*',
    ])
    // Whoever took over one of them would hold no key to a site.
    const deleting = taskNames.filter((task) =>
      rightsOf(task).some((right) => right.startsWith('s3:DeleteObjectVersion')),
    )
    expect(deleting.filter((task) => 'SITE_SECRET_PREFIX' in tasks[task].env.shape)).toEqual([])
  })

  it('may list the bucket wherever they read, since a missing key would answer 403 otherwise', () => {
    const may = (action: string) =>
      taskNames.filter((task) => rightsOf(task).some((right) => right.startsWith(`${action} on`)))
    expect(may('s3:GetObject').length).toBeGreaterThan(5)
    expect(may('s3:ListBucket')).toEqual(may('s3:GetObject'))
  })

  it.each(taskNames)('%s gets the environment of its contract, which accepts it', (task) => {
    const { environment, memoryMiB = 0 } = synthesised.assembly.functions[tasks[task].stem] ?? {}
    const { NODE_OPTIONS, ...ours } = environment ?? {}
    const movesBytes = ['CopyParts', 'VerifyDeep', 'DeliverParts', 'UnpackDisks'].includes(task)
    expect(NODE_OPTIONS).toBe(functionNodeOptions(movesBytes, memoryMiB))
    // What only some deployments have: `existing-bucket.test.ts`, `colder-classes.test.ts`, and those that demand a lock.
    const wanted = Object.keys(tasks[task].env.shape).filter(
      (name) => !/^(BUCKET_OWNER|OBJECT_ACL|TRANSITIONS|REQUIRED_LOCK)$/.test(name),
    )
    expect(sorted(Object.keys(ours))).toEqual(sorted(wanted))
    expect(tasks[task].env.safeParse(ours).success).toBe(true)
  })

  it('run on Node 24 for arm64 with JSON logs in a log group of their own that expires', () => {
    const { exports } = synthesised
    expect(() => exports.resourceCountIs('AWS::Lambda::Function', Object.keys(tasks).length)).not.toThrow()
    expect(() =>
      exports.allResourcesProperties('AWS::Lambda::Function', {
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        LoggingConfig: { LogFormat: 'JSON' },
      }),
    ).not.toThrow()
    expect(() => exports.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 })).not.toThrow()
    expect(() => exports.resourceCountIs('AWS::Logs::LogGroup', Object.keys(tasks).length + logsOfOthers)).not.toThrow()
  })

  it('take memory and concurrency of the copy from the configuration', async () => {
    const { exports } = await synthesise('copyingInParallel')
    expect(() =>
      exports.hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: 'guestlift-test-copy-parts',
        MemorySize: 3008,
        // Lambda sets no limit of its own to the heap beside either of the two.
        Environment: {
          Variables: Match.objectLike({
            NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=2707',
          }),
        },
        ReservedConcurrentExecutions: 4,
      }),
    ).not.toThrow()
    const reserved = Object.values(exports.findResources('AWS::Lambda::Function')).filter(
      (each) => 'ReservedConcurrentExecutions' in each['Properties'],
    )
    expect(reserved).toHaveLength(1)
  })
})
