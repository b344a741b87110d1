/** Refusals as Resource Manager, Entra and the blob service word them. */

export type Service = 'arm' | 'entra' | 'blob'

export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Record<string, string>

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export const notFound = (type: string, name: string, group: string): Refusal =>
  new Refusal(
    404,
    'ResourceNotFound',
    `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  )

export const groupNotFound = (group: string): Refusal =>
  new Refusal(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`)

export const notAllowed = (message: string): Refusal => new Refusal(409, 'OperationNotAllowed', message)

export const badRequest = (message: string, code = 'InvalidParameter'): Refusal => new Refusal(400, code, message)

export const throttled = (seconds = 1): Refusal =>
  new Refusal(429, 'TooManyRequests', 'The request is being throttled.', { 'retry-after': String(seconds) })

/** The words of Resource Manager, with the action and the scope that a role would need. */
export const forbidden = (client: string, action: string, scope: string): Refusal =>
  new Refusal(
    403,
    'AuthorizationFailed',
    `The client '${client}' with object id '${client}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  )

export const byPolicy = (name: string, policy: string): Refusal =>
  new Refusal(
    403,
    'RequestDisallowedByPolicy',
    `Resource '${name}' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"${policy}"}}]'.`,
  )
