/** Sends a recorded exchange to a lab, with what can't be the same (tickets, UPIDs) put in its place, and compares the answers. */
import type { Lab } from '../../../../local/labs/proxmox/lab.ts'
import { exchange, type RawResponse, request as build } from './raw-http.ts'
import type { RecordedExchange } from './transcripts.ts'

interface Session {
  ticket: string
  csrf: string
}

const UPID = /UPID(?::|%3A)pve\d(?::|%3A)[0-9A-F]{8}(?::|%3A)[0-9A-F]{8}(?::|%3A)[0-9A-F]{8}(?::|%3A)[^/"?\s]*/g

/** What a task's log says of its archive. */
const ARCHIVE = /creating vzdump archive '[^']*\/([^'/]+)'/g

const JOB = /"id":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"/

const dateOf = (recorded: RecordedExchange): number =>
  Date.parse(recorded.response.headers.find(([name]) => name === 'Date')?.[1] ?? '') / 1000

export class Replay {
  readonly #lab: Lab
  readonly #upids = new Map<string, string>()
  readonly #files = new Map<string, string>()
  readonly #port: number

  constructor(lab: Lab) {
    this.#lab = lab
    this.#port = Number(new URL(lab.apiUrl).port)
  }

  /** From now on the recorded task is this one of the lab's. */
  map(recorded: string, own: string): void {
    this.#upids.set(recorded, own)
  }

  /** The lab's task for a recorded one. */
  own(recorded: string): string | undefined {
    return this.#upids.get(recorded)
  }

  async #logIn(user: string): Promise<Session> {
    const password = this.#lab.users.find((each) => each.userid === user)?.password ?? ''
    const body = new URLSearchParams({ username: user, password }).toString()
    const answer = await exchange(this.#port, build('POST', '/api2/json/access/ticket', {}, body))
    const { data } = JSON.parse(answer.body) as { data: { ticket: string; CSRFPreventionToken: string } }
    return { ticket: data.ticket, csrf: data.CSRFPreventionToken }
  }

  /** A ticket of the lab for the recorded one's user and of the same age; the clock stays moved on by that age. */
  async #counterpart(
    ticket: string,
    recorded: RecordedExchange,
  ): Promise<(Session & { time: string; age: number }) | undefined> {
    const [, user, time] = /^PVE:(\S+?):([0-9A-F]{8})::/.exec(ticket) ?? []
    if (user === undefined || time === undefined) return undefined
    const age = Math.max(0, dateOf(recorded) - Number.parseInt(time, 16))
    const session = await this.#logIn(user)
    this.#lab.control.advanceClock(age)
    return { ...session, time, age }
  }

  #translate(text: string): string {
    const renamed = text.replace(
      /vzdump-\w+-\d+-[\d_-]+(?:\.\w+)+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
      (file) => this.#files.get(file) ?? file,
    )
    return renamed.replace(UPID, (found) => {
      const plain = decodeURIComponent(found)
      const own = this.#upids.get(plain)
      if (own === undefined) return found
      return found.includes('%3A') ? encodeURIComponent(own) : own
    })
  }

  async send(recorded: RecordedExchange, options: { tamper?: boolean } = {}): Promise<RawResponse> {
    const { request } = recorded
    const headers = new Map(request.headers)
    let body = request.body ?? ''
    let age = 0
    const cookie = headers.get('Cookie')
    const authorization = headers.get('Authorization')
    const carrier = cookie ?? (authorization?.startsWith('PVEAuthCookie') === true ? authorization : undefined)
    if (carrier !== undefined) {
      const raw = carrier.replace(/^PVEAuthCookie=/, '')
      const encoded = raw.includes('%3A')
      const session = await this.#counterpart(decodeURIComponent(raw), recorded)
      if (session !== undefined) {
        age = session.age
        // Flipped in the signature's middle: the last characters may not count.
        const ticket =
          options.tamper === true
            ? session.ticket.replace(/::(.{20})./, (_all, kept: string) => `::${kept}!`)
            : session.ticket
        const value = `PVEAuthCookie=${encoded ? encodeURIComponent(ticket) : ticket}`
        headers.set(cookie === undefined ? 'Authorization' : 'Cookie', value)
        if (headers.get('CSRFPreventionToken')?.startsWith(session.time) === true)
          headers.set('CSRFPreventionToken', session.csrf)
      }
    }
    const renewal = /password=(PVE%3A[^&]*)/.exec(body)?.[1]
    if (renewal !== undefined) {
      const session = await this.#counterpart(decodeURIComponent(renewal), recorded)
      if (session !== undefined) {
        age = session.age
        body = body.replace(renewal, encodeURIComponent(session.ticket))
      }
    }
    const placeholder = /^<(\d+) bytes>$/.exec(body)?.[1]
    if (placeholder !== undefined) body = 'x'.repeat(Number(placeholder))
    body = this.#translate(body)
    if (headers.has('Content-Length')) headers.set('Content-Length', String(Buffer.byteLength(body)))
    const lines = [this.#translate(request.line), ...[...headers].map(([name, value]) => `${name}: ${value}`)]
    const bytes = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body, 'utf8')])
    const plain = recorded.response.status === 301 || recorded.response.status === 308
    const answer = await exchange(this.#port, bytes, { plain })
    this.#lab.control.advanceClock(-age)
    const started = /"data":"(UPID:[^"]+)"/
    const [theirs, ours] = [started.exec(recorded.response.body ?? '')?.[1], started.exec(answer.body)?.[1]]
    if (theirs !== undefined && ours !== undefined) this.map(theirs, ours)
    const theirFiles = [...(recorded.response.body ?? '').matchAll(ARCHIVE)]
    const ourFiles = [...answer.body.matchAll(ARCHIVE)]
    for (const [index, file] of theirFiles.entries()) {
      const own = ourFiles[index]?.[1]
      if (file[1] !== undefined && own !== undefined) this.#files.set(file[1], own)
    }
    // A backup job that was created without an id got a random one.
    const [theirJob, ourJob] = [JOB.exec(recorded.response.body ?? '')?.[1], JOB.exec(answer.body)?.[1]]
    if (theirJob !== undefined && ourJob !== undefined) this.#files.set(theirJob, ourJob)
    return answer
  }
}
