/** A look at each endpoint on its own, without a login: the client is content with the first that answers. */
import { type GuestliftError, TlsIdentityMismatch } from '../../contracts/errors.ts'
import type { EndpointReport, Endpoints } from '../capabilities/endpoints.ts'
import { bareRequest, parseJson, readRefusal, whatHappened } from './answers.ts'
import { offsetByHeader } from '../../domain/time/answer-clock.ts'
import type { ProxmoxSite } from './config.ts'
import { tlsConnector } from './connector.ts'
import { type About, refusal, unintelligible, unreachable } from './errors.ts'
import { type HttpAnswer, type Limits, standardLimits, Unanswered } from '../../http/api-line.ts'
import { openLine } from './exchange.ts'
import { envelopeSchema } from './schemas.ts'

/** Someone waits: a line that is silent for longer is of no use for backups. */
const PROBE_MS = 5_000
const probeLimits: Limits = {
  ...standardLimits,
  connectTimeoutMs: PROBE_MS,
  headersTimeoutMs: PROBE_MS,
  bodyTimeoutMs: PROBE_MS,
  totalTimeoutMs: PROBE_MS,
}

/** The login form's list of realms: the API gives it to everybody. */
const OPEN_TO_ALL = '/access/domains'

export function openEndpoints(
  siteName: string,
  site: ProxmoxSite,
  account: string,
  now: () => Date,
  limits: Limits = probeLimits,
): Endpoints {
  const about: About = { site: siteName, account, doing: 'ask without a login' }
  return {
    addresses: site.endpoints,
    async probe(endpoint) {
      const line = openLine(endpoint, tlsConnector(site.tls, siteName, limits.connectTimeoutMs), limits)
      const askedAt = now()
      try {
        const answer = await line.request(bareRequest('GET', OPEN_TO_ALL))
        const { date } = answer
        const timing = { askedAt, answeredAt: now(), ...(date === undefined ? {} : { date }) }
        const clock = offsetByHeader(timing)
        const problem = problemOf(answer, endpoint, about)
        return {
          connected: true,
          ...(problem === undefined ? {} : { problem }),
          ...(clock === undefined ? {} : { clock }),
        }
      } catch (error) {
        return unansweredReport(error, endpoint, about)
      } finally {
        await line.close()
      }
    },
  }
}

function unansweredReport(error: unknown, endpoint: string, about: About): EndpointReport {
  if (!(error instanceof Unanswered)) throw error
  const { cause, sent } = error
  if (cause instanceof TlsIdentityMismatch) return { connected: true, problem: cause }
  return { connected: sent, problem: unreachable(endpoint, whatHappened(error), about, cause) }
}

function problemOf(answer: HttpAnswer, endpoint: string, about: About): GuestliftError | undefined {
  const envelope = envelopeSchema.safeParse(parseJson(answer.body))
  if (answer.status === 200) {
    return envelope.success && Array.isArray(envelope.data.data)
      ? undefined
      : unintelligible(endpoint, 'no JSON with "data" in it', about)
  }
  return refusal(
    readRefusal(answer, (text) => text),
    about,
  ).error
}
