/** Whether a caller may do a thing to a resource: the lab asks the one that started it, action by action. */
import { denied, type ServiceName } from './errors.ts'
import type { LabCredential, Tags } from './world.ts'

export interface AskedRight {
  accessKeyId: string
  /** The ARN of a user, or of an assumed role with its session. */
  principal: string
  /** As `ec2:CreateSnapshots`. */
  action: string
  resource: string
  /** Condition keys, as `aws:ResourceTag/<key>`, `aws:RequestTag/<key>`, `aws:TagKeys`, `ec2:CreateAction`. */
  context: Record<string, string[]>
}

/** `false` or a text refuses; the text takes the place of AWS's "because …". */
export type Authorize = (asked: AskedRight) => boolean | string

export class Rights {
  readonly #service: ServiceName
  readonly #caller: LabCredential
  readonly #region: string
  readonly #authorize: Authorize

  constructor(service: ServiceName, caller: LabCredential, region: string, authorize: Authorize) {
    this.#service = service
    this.#caller = caller
    this.#region = region
    this.#authorize = authorize
  }

  /** @throws Refusal as the service words it */
  need(action: string, resource = '*', context: Record<string, string[]> = {}): void {
    const { accessKeyId, principal } = this.#caller
    const known = { 'aws:RequestedRegion': [this.#region], 'aws:PrincipalArn': [principal], ...context }
    const answer = this.#authorize({ accessKeyId, principal, action, resource, context: known })
    if (answer !== true) throw denied(this.#service, principal, action, resource, answer === false ? undefined : answer)
  }
}

/** What a resource that is there already carries. */
export const carried = (tags: Tags): Record<string, string[]> =>
  Object.fromEntries(
    [...tags].flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, [value]],
      [`ec2:ResourceTag/${key}`, [value]],
    ]),
  )

/** What a call would put on a resource. */
export const wished = (tags: Tags): Record<string, string[]> => ({
  ...Object.fromEntries([...tags].map(([key, value]) => [`aws:RequestTag/${key}`, [value]])),
  ...(tags.size === 0 ? {} : { 'aws:TagKeys': [...tags.keys()] }),
})
