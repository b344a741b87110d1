/** What Azure's refusals mean: facts of ours, with where and what to do (Azure documentation, "Common deployment errors"). */
import {
  CredentialsRejected,
  type GuestliftError,
  GuestNotFound,
  PlatformTaskFailed,
  PlatformUnavailable,
  PrivilegeMissing,
  RequestRejected,
  SourceUnreadable,
} from '../contracts/errors.ts'
import { AzureRefusal, NoAzureAnswer } from './azure-line.ts'

type Fact = new (message: string, options?: ErrorOptions) => GuestliftError

/** By the refusal's code; the first that fits. */
const meanings: readonly [codes: RegExp, fact: Fact, advice: string][] = [
  [
    /^(AuthenticationFailed\w*|ExpiredAuthenticationToken|InvalidAuthenticationToken\w*)$/,
    CredentialsRejected,
    "Check the site's `auth`, `tenantId` and `cloud`, and the clock here.",
  ],
  [
    /^(AuthorizationFailed|LinkedAuthorizationFailed)$/,
    PrivilegeMissing,
    'Give the application\'s role that action: see "Rights" in docs/azure.md.',
  ],
  [
    /^RequestDisallowedBy(Policy|AzurePolicy)$/,
    SourceUnreadable,
    "A policy of the subscription forbids it. Exempt the site's resource group from it, or have it changed.",
  ],
  [
    /^(SubscriptionNotFound|InvalidSubscriptionId|DisallowedProvider|MissingSubscriptionRegistration)$/,
    RequestRejected,
    'Check `subscriptionId`, and that the provider Microsoft.Compute is registered there.',
  ],
  [/^ResourceGroupNotFound$/, RequestRejected, "Make the site's `resourceGroup`, or name another one."],
  [
    /^(TooManyRequests|OperationTimedOut|ServerBusy|InternalServerError|ServiceUnavailable)$/,
    PlatformUnavailable,
    'Later again.',
  ],
]

/** @param where site and, where known, region and guest. @param action for people, as `making a restore point` */
export function azureFact(error: unknown, where: string, action: string): unknown {
  if (error instanceof NoAzureAnswer) {
    const why = error.message.replace(/\.$/, '')
    return new PlatformUnavailable(`${where}: ${action} got no answer of Azure (${why}). Later again.`, {
      cause: error,
    })
  }
  if (!(error instanceof AzureRefusal)) return error
  const options = { cause: error }
  const said = `${where}: ${action} was refused (${error.said}).`
  const meaning = meanings.find(([codes]) => codes.test(error.code))
  if (meaning !== undefined) {
    const [, Fact, advice] = meaning
    return new Fact(`${said} ${advice}`, options)
  }
  if (error.code === '') {
    return new PlatformUnavailable(`${said} Check \`endpoints\`, and what is between here and Azure.`, options)
  }
  if (error.status === 404) {
    return new GuestNotFound(`${said} It is gone, or the site has another subscription.`, options)
  }
  if (error.status === 429 || error.status >= 500) return new PlatformUnavailable(`${said} Later again.`, options)
  return new PlatformTaskFailed(`${said} The activity log in the Azure portal shows more.`, options)
}
