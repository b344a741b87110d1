/** What refusals of a site's own file server mean. */
import { ConnectionDropped, type GuestliftError, RouteLoginRejected, SourceUnreadable } from '../../contracts/errors.ts'
import type { HttpsRoute } from '../../contracts/route.ts'
import { listOf, type ResponseHead } from '../../http/http-response-head.ts'

/** The fact behind an answer that isn't what was asked for. The server's own text is left out: it may echo credentials. */
export function refusalFact(head: ResponseHead, what: string, auth: HttpsRoute['auth']): GuestliftError {
  const { status } = head
  const answered = `${what}: the server answered ${status}`
  if (status === 200 || status === 206) {
    return new SourceUnreadable(
      status === 200
        ? `${what}: the server ignores Range and sends the whole file (200). Use one that knows Range (nginx, Apache httpd, Caddy), without a proxy in front that drops it`
        : `${answered}, which was not asked for`,
    )
  }
  if (status === 401) return loginRejected(head, answered, auth)
  if (status === 403) {
    return new SourceUnreadable(
      `${answered}: it may not read the file, or we may not have it. Check that the server's own user can read the file and ` +
        "every folder above it, and the server's rules for this path and for our address",
    )
  }
  if (status === 404 || status === 410) {
    return new SourceUnreadable(
      `${answered}: there is no such file. Check that route.url leads to the storage's folder`,
    )
  }
  if (status >= 300 && status < 400) return redirected(head, answered)
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    return new ConnectionDropped(`${answered}. If it stays so, see the server's log and its limits on requests`)
  }
  return new SourceUnreadable(`${answered}. See the server's log`)
}

function loginRejected(head: ResponseHead, answered: string, auth: HttpsRoute['auth']): RouteLoginRejected {
  const schemes = listOf(head, 'www-authenticate').map((challenge) => /^[a-z][a-z0-9-]*/.exec(challenge)?.[0] ?? '')
  const offers = schemes.find((scheme) => ['basic', 'bearer', 'digest', 'negotiate', 'ntlm'].includes(scheme))
  const wants = offers === undefined ? '' : ` It asks for ${offers}.`
  if (auth === undefined) {
    return new RouteLoginRejected(`${answered}: it wants a login, and the site's route has no auth.${wants}`)
  }
  const account = auth.type === 'basic' ? `user ${auth.username} with the route's password` : "the route's bearer token"
  return new RouteLoginRejected(`${answered}: it refused ${account}.${wants} Correct route.auth`)
}

/** Not followed: it could lead a credential to somebody else, or from the archive to a login page. */
function redirected(head: ResponseHead, answered: string): SourceUnreadable {
  const location = head.fields.get('location')?.[0]
  const base = 'https://same-host.invalid'
  const host = location !== undefined && URL.canParse(location, base) ? new URL(location, base).host : undefined
  const to = host === undefined ? '' : ` to ${host === new URL(base).host ? 'another path of its own' : host}`
  return new SourceUnreadable(
    `${answered} and redirects${to}. Redirects aren't followed, for credentials would go with them: give route.url the address where the file is`,
  )
}
