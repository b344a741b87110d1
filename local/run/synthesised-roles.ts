/** The roles of a synthesised app's functions, workflows and builds. */
import type { WorkflowKey } from '../../lib/workflow-names.ts'
import { logicalId, resourceStatements, roleStatements } from '../iam/roles.ts'
import type { Role } from '../iam/session.ts'
import { functionArn, keyOf, type Resolver, type Template, text } from './template-values.ts'

/** The roles of what runs: functions by stem, workflows by key, builds by name. */
export interface SynthesisedRoles {
  functions: Record<string, Role>
  machines: Record<WorkflowKey, Role>
  builds: Record<string, Role>
}

/** Where each kind of what runs has its role. */
const ROLE_FIELDS: Readonly<Record<string, string>> = {
  'AWS::Lambda::Function': 'Role',
  'AWS::StepFunctions::StateMachine': 'RoleArn',
  'AWS::CodeBuild::Project': 'ServiceRole',
}

/** @throws PolicyError where a policy says what can't be judged */
export function readRoles(templates: readonly Template[], resolver: Resolver): SynthesisedRoles {
  const roles = { functions: {}, machines: {}, builds: {} } as SynthesisedRoles
  const bucketPolicies = templates.flatMap((template) =>
    resourceStatements(template.Resources, 'AWS::S3::BucketPolicy', (value) => text(value, template, resolver)),
  )
  for (const template of templates) {
    const statements = roleStatements(template.Resources, (value) => text(value, template, resolver))
    for (const { Type, Properties, Metadata } of Object.values(template.Resources)) {
      const field = ROLE_FIELDS[Type]
      if (field === undefined) continue
      const id = logicalId(Properties[field])
      const identity = statements.get(id)
      if (identity === undefined) continue
      const roleOf = (name: string): Role => ({
        name,
        arn: `arn:aws:iam::000000000000:role/${id}`,
        identity,
        resource: bucketPolicies,
      })
      const { 'guestlift:stem': stem, 'guestlift:workflow': workflow, 'guestlift:runner': runner } = Metadata
      const key = keyOf(workflow)
      if (typeof stem === 'string') {
        roles.functions[stem] = { ...roleOf(stem), context: { 'lambda:sourcefunctionarn': functionArn(stem) } }
      }
      if (key !== undefined) roles.machines[key] = roleOf(key)
      if (typeof runner === 'string') roles.builds[String(Properties['Name'])] = roleOf(runner)
    }
  }
  return roles
}
