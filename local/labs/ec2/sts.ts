/** STS: who is asking, and sessions of roles. */
import { Refusal } from './errors.ts'
import type { Rights } from './rights.ts'
import type { Parameters, XmlValue } from './wire.ts'
import type { LabCredential, World } from './world.ts'

export interface StsCall {
  world: World
  name: string
  parameters: Parameters
  caller: LabCredential
  rights: Rights
}

const invalid = (message: string): Refusal => new Refusal(400, 'ValidationError', message)

function assumeRole({ world, parameters, caller, rights }: StsCall): XmlValue {
  const arn = parameters.need('RoleArn')
  const session = parameters.need('RoleSessionName')
  const externalId = parameters.get('ExternalId')
  const seconds = parameters.number('DurationSeconds') ?? 3600
  // Sessions made from sessions live an hour at most.
  const longest = caller.expiresAt === undefined ? 43_200 : 3600
  if (seconds < 900 || seconds > longest)
    throw invalid(`The requested DurationSeconds must be between 900 and ${longest}.`)
  if (!/^[\w+=,.@-]{2,64}$/.test(session)) throw invalid('The value at RoleSessionName is no name of a session.')
  rights.need('sts:AssumeRole', arn, externalId === undefined ? {} : { 'sts:ExternalId': [externalId] })
  const role = world.roles.find((one) => one.arn === arn)
  const trusted = role?.trusts === undefined || role.trusts.includes(caller.accessKeyId)
  if (role === undefined || !trusted || (role.externalId !== undefined && role.externalId !== externalId))
    throw new Refusal(
      403,
      'AccessDenied',
      `User: ${caller.principal} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
    )
  const [, account = '', name = ''] = /^arn:aws:iam::(\d+):role\/(?:.*\/)?([^/]+)$/.exec(arn) ?? []
  const made: LabCredential & { sessionToken: string; expiresAt: Date } = {
    accessKeyId: `ASIA${world
      .newSecret(10)
      .toUpperCase()
      .replace(/[^A-Z0-9]/g, 'X')
      .slice(0, 16)}`,
    secretAccessKey: world.newSecret(30),
    sessionToken: world.newSecret(96),
    principal: `arn:aws:sts::${account}:assumed-role/${name}/${session}`,
    expiresAt: new Date(world.now().getTime() + seconds * 1000),
  }
  world.credentials.set(made.accessKeyId, made)
  return {
    Credentials: {
      AccessKeyId: made.accessKeyId,
      SecretAccessKey: made.secretAccessKey,
      SessionToken: made.sessionToken,
      Expiration: made.expiresAt.toISOString(),
    },
    AssumedRoleUser: { AssumedRoleId: `AROA0123456789ABCDEF:${session}`, Arn: made.principal },
  }
}

/** No right is needed to learn who one is. */
const callerIdentity = ({ caller }: StsCall): XmlValue => ({
  Arn: caller.principal,
  UserId: caller.accessKeyId,
  Account: /^arn:aws:\w+::(\d+):/.exec(caller.principal)?.[1],
})

export const STS_ACTIONS: ReadonlyMap<string, (call: StsCall) => XmlValue> = new Map([
  ['AssumeRole', assumeRole],
  ['GetCallerIdentity', callerIdentity],
])
