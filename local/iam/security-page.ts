/** docs/security.md, from the synthesised templates: a table that is written by hand differs from the truth in a month. Pure. */
import {
  conditionText,
  named,
  readTemplate,
  resourcesIn,
  type Right,
  rightsOfRoles,
  type Statement,
  statementsOf,
  type Template,
} from './rights.ts'

interface Templates {
  storage: unknown
  exports: unknown
}

/** The whole page. Every statement of every policy of the deployment is on it. */
export function securityPage({ storage, exports }: Templates): string {
  const [bucket, machinery] = [readTemplate(storage), readTemplate(exports)]
  const roles = rightsOfRoles(machinery)
  const functionOf = metadataOf(machinery, 'guestlift:stem')
  const functions = rowsOf(roles, (id) => functionOf.get(id))
  const workflowOf = metadataOf(machinery, 'guestlift:workflow')
  const workflows = rowsOf(roles, (id) => workflowOf.get(id))
  const common = shared(workflows)
  const services = rowsOf(roles, (id) => (functionOf.has(id) || workflowOf.has(id) ? undefined : named(id)))
  return [
    INTRODUCTION,
    '## Functions',
    FUNCTIONS,
    table(['function', 'reads', 'writes', 'hides', 'and'], functions.map(functionRow)),
    '## Workflows',
    WORKFLOWS,
    `Each of them may: ${grouped(common)}.`,
    table(
      ['workflow', 'calls', 'and'],
      workflows.map((row) => workflowRow(row, common)),
    ),
    '## Roles of services',
    'What Scheduler, EventBridge and CodeBuild do here, they do with these.',
    table(
      ['role', 'may'],
      services.map(([name, rights]) => [code(name), grouped(rights)]),
    ),
    '## Policies of resources',
    POLICIES,
    table(['resource', 'who', 'may', 'on', 'if'], together([...policyRows(bucket), ...policyRows(machinery)])),
    WRITTEN_ONCE,
  ].join('\n\n')
}

const INTRODUCTION = `# Who may do what

This page is generated from the synthesised templates of a deployment called \`example\` with one site, \`hq\`.
\`npm run docs:security\` writes it, and a test fails when it is not current.
\`archive-bucket\` stands for the bucket, and names in \`<…>\` for resources of the stack.
A star stands for any characters, slashes included.`

const FUNCTIONS = `The cells are keys of the archive bucket.
"Hides" puts a delete marker on an object.
Only where \`DeleteObjectVersion\` is named is an object removed for good.
Each function may also write its own log.
Functions that read may list the bucket, because S3 answers others with 403 in place of 404 for a key that isn't there.
S3 then asks without a prefix, so the right can't be limited to one.
A secret's ARN ends with six characters that Secrets Manager draws (\`-??????\`).
While a secret isn't there, Secrets Manager asks about the bare name.`

const WORKFLOWS = `Logs of workflows and X-Ray know no resources to name.
A map over guests or archives is an execution of the same workflow, which it starts, watches and stops.
\`RedriveExecution\` comes with it from CDK and is never used.`

const POLICIES = `The roles are listed above.
These are the policies of the bucket, the topic, its key and the queues, and who may use each role.
EventBridge sends SNS and KMS no condition keys, so no condition can be set there.
It starts the clean-up by a role, and a role can be handed to a service only within its own account.`

const WRITTEN_ONCE = `## What is written once

Below \`archives/\` an object is written where nothing is (\`If-None-Match\`), and then never again by anyone.
That holds for archives, side files and manifests, and the bucket's policy enforces it.
Sending parts of an upload makes no object, so it needs no condition.

These names are rewritten:

| names | why | how |
| --- | --- | --- |
| \`archives/…/verification.json\` | the verdict of the last reading replaces that of the one before | \`If-Match\` |
| \`archives/…/….index.zst\` | the index of a container's files is written anew where reading the archive makes another one | \`If-Match\` |
| \`claims/\`, \`dumps/\`, \`streams/\`, \`uploads/\`, \`sessions/\`, \`sites/\`, \`retention/…/lease.json\`, \`retention/…/removing/\` | several executions share them | \`If-Match\` |
| \`runs/…/progress/\`, \`guests/\`, \`evidence/\`, \`report.json\` | a repeated task writes what it knows now | plainly, by one execution |
| \`catalogue/\` | copies of what the manifests say, which ETags hold against the bucket, and the page | plainly; the page \`If-Match\` |
| \`coverage/<site>.json\` | the last check | plainly |

The policy therefore also refuses copies into \`archives/\`, and copies of an object onto itself that change its storage class (\`aws s3 cp --storage-class\`).
It does not affect lifecycle rules.

Pruning removes versions by their ids, and a version never changes its content.
S3 refuses a condition beside a version's id (501), and needs none there.
Only a run on one machine can have a bucket without versions.
There, objects are removed with \`If-Match\` on the ETag that was judged.
Records are hidden with \`If-Match\`, too.
A store that doesn't know the condition removes what is there, even if it was written again since the last look.
Use a store that knows the condition, or one that has versions.
`

/** Logical ids of roles → what the metadata of the resource says that has the role. */
function metadataOf({ Resources }: Template, name: string): Map<string, string> {
  return new Map(
    Object.values(Resources).flatMap(({ Properties, Metadata }) => {
      const value = Metadata[name]
      const role = (Properties['Role'] ?? Properties['RoleArn']) as { 'Fn::GetAtt'?: [string, string] } | undefined
      const id = role?.['Fn::GetAtt']?.[0]
      return typeof value === 'string' && id !== undefined ? [[id, value] as const] : []
    }),
  )
}

type Row = readonly [name: string, rights: readonly Right[]]

function rowsOf(roles: ReadonlyMap<string, readonly Right[]>, nameOf: (id: string) => string | undefined): Row[] {
  return [...roles].flatMap(([id, rights]) => {
    const name = nameOf(id)
    return name === undefined ? [] : [[name, rights] as const]
  })
}

function functionRow([name, rights]: Row): string[] {
  const ownLog = /^logs:(CreateLogStream|PutLogEvents)$/
  const keys = (action: string) =>
    list(rights.filter(isPlain(action)).map(({ resource }) => resource.replace('archive-bucket/', '')))
  const told = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']
  const others = rights.filter((right) => !told.some((action) => isPlain(action)(right)) && !ownLog.test(right.action))
  return [code(name), ...told.map(keys), grouped(others)]
}

function isPlain(action: string): (right: Right) => boolean {
  return (right) => right.effect === 'Allow' && right.action === action && right.condition === undefined
}

/** What each of them may. */
function shared(rows: readonly Row[]): Right[] {
  const [[, first] = ['', []], ...others] = rows
  return first.filter((right) => others.every(([, rights]) => rights.some((one) => isSame(one, right))))
}

function isSame(one: Right, other: Right): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function workflowRow([name, rights]: Row, common: readonly Right[]): string[] {
  const called = rights.filter(isPlain('lambda:InvokeFunction'))
  const others = rights.filter((right) => !called.includes(right) && !common.some((one) => isSame(one, right)))
  const stems = called.map(({ resource }) => resource.replace(/^<Functions(.*)Function>$/, '$1'))
  return [code(name), list(stems), grouped(others)]
}

/** Actions that have the same resources stand together, and the other way round. */
function grouped(rights: readonly Right[]): string {
  const byPlace = new Map<string, string[]>()
  for (const { effect, action, resource, condition } of rights) {
    const deny = effect === 'Deny' ? 'not ' : ''
    const place = `${deny}|${resource}|${condition ?? ''}`
    byPlace.set(place, [...(byPlace.get(place) ?? []), action])
  }
  const byActions = new Map<string, string[]>()
  for (const [place, actions] of byPlace) {
    const [deny = '', resource = '', condition = ''] = place.split('|')
    const what = `${deny}${list(actions)}|${condition}`
    byActions.set(what, [...(byActions.get(what) ?? []), resource])
  }
  return [...byActions]
    .map(([what, resources]) => {
      const [actions = '', condition = ''] = what.split('|')
      const on = resources.join() === '*' ? '' : ` on ${list(resources)}`
      return `${actions}${on}${condition === '' ? '' : ` if ${code(condition)}`}`
    })
    .join('; ')
}

const TRUST = 'sts:AssumeRole'

function policyRows({ Resources }: Template): string[][] {
  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    if (/^AWS::IAM::(Policy|ManagedPolicy)$/.test(Type)) return []
    const document = Properties['PolicyDocument'] ?? Properties['KeyPolicy'] ?? Properties['AssumeRolePolicyDocument']
    return document === undefined ? [] : statementsOf(document).map((statement) => policyRow(named(id), statement))
  })
}

/** Resources whose policies say the same stand in one row. */
function together(rows: readonly string[][]): string[][] {
  const byRest = new Map<string, string[]>()
  for (const [resource = '', ...rest] of rows) {
    const said = JSON.stringify(rest)
    byRest.set(said, [...(byRest.get(said) ?? []), resource])
  }
  return [...byRest].map(([rest, resources]) => [resources.join(', '), ...(JSON.parse(rest) as string[])])
}

function policyRow(id: string, { Effect, Principal, Action, Resource, NotResource, Condition }: Statement): string[] {
  const who = typeof Principal === 'string' ? [Principal] : resourcesIn(Object.values(Principal ?? {}).flat())
  const on = Action.includes(TRUST)
    ? ''
    : NotResource === undefined
      ? list(resourcesIn(Resource))
      : `all but ${list(resourcesIn(NotResource))}`
  const may = `${Effect === 'Deny' ? 'not ' : ''}${list(Action)}`
  return [code(id), list(who), may, on, Condition === undefined ? '' : code(conditionText(Condition))]
}

function table(head: readonly string[], rows: readonly string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function list(texts: readonly string[]): string {
  return [...new Set(texts)].toSorted().map(code).join(', ')
}

function code(text: string): string {
  return `\`${text}\``
}
