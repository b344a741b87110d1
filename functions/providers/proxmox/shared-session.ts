/**
 * One login for all function calls of a site. Proxmox takes each code of a second factor once, and there are two a
 * minute, while a run makes hundreds of calls. The ticket lies sealed where all calls can read it, beside the period of
 * the code that was shown last: anyone who wants to show a code claims its period first, so that none is shown twice.
 *
 * Unlike a book of archives this record may be lost: one that can't be read costs one code.
 */
import * as z from 'zod'
import type { SharedText } from '../provider-deps.ts'
import { parseJson } from './answers.ts'
import type { Seal } from './session-seal.ts'
import type { HeldTicket } from './site-memory.ts'

/** A platform locks a second factor after a handful of wrong codes in a row: after three we let it rest. */
export const REST_MINUTES = 10
/** A claim so far ahead of our clock was made by a machine whose clock is wrong. */
const MOST_PERIODS_AHEAD = 3

/** `keyId` and what follows from it are void for another secret: a corrected site starts afresh. */
const recordSchema = z.looseObject({
  version: z.literal(1),
  keyId: z.string(),
  /** Period of the code that was shown last. */
  codeStep: z.int().optional(),
  /** Codes refused in a row, and when the last was. */
  refusals: z.int().optional(),
  refusedAt: z.iso.datetime().optional(),
  /** The ticket, sealed. */
  sealed: z.string().optional(),
})
type Stored = z.infer<typeof recordSchema>

const newerSchema = z.looseObject({ version: z.number().gt(1) })

const ticketSchema = z.object({ ticket: z.string(), csrf: z.string(), account: z.string(), since: z.number() })

export interface Look {
  held?: HeldTicket
  /** Period of the last code that anybody showed. */
  codeStep: number
  refusals: number
  /** Until then no code may be shown; absent when one may. */
  restsUntil?: Date
}

export interface SharedSession {
  /** `currentStep`: the period that it is by our clock. */
  look(currentStep: number): Promise<Look>
  /** As of the last look: the period's code is ours to show. False when somebody else was faster. */
  claim(step: number): Promise<boolean>
  /** The code that was shown last was refused. */
  noteRefusal(): Promise<void>
  keep(held: HeldTicket): Promise<void>
}

export function openSharedSession(text: SharedText, seal: Seal, now: () => Date): SharedSession {
  let last: { record: Stored | undefined; etag: string | undefined } = { record: undefined, etag: undefined }
  /** A newer version's record is left alone, and this call is on its own. */
  let newer = false

  async function read(): Promise<Stored | undefined> {
    const stored = await text.read()
    const json = parseJson(stored?.text ?? '')
    const parsed = recordSchema.safeParse(json)
    newer = newerSchema.safeParse(json).success
    const record = parsed.success && parsed.data.keyId === seal.keyId ? parsed.data : undefined
    last = { record, etag: stored?.etag }
    return record
  }

  async function write(changes: Partial<Stored>): Promise<boolean> {
    if (newer) return true
    const { record, etag } = last
    const next = { ...record, version: 1, keyId: seal.keyId, ...changes }
    const written = await text.write(JSON.stringify(next), etag === undefined ? { absent: true } : { etag })
    if (written !== undefined) last = { record: recordSchema.parse(next), etag: written }
    return written !== undefined
  }

  /** Once more when somebody else wrote in between; then it is theirs that counts. */
  async function writeAnyhow(changes: (record: Stored | undefined) => Partial<Stored>): Promise<void> {
    if (await write(changes(last.record))) return
    await write(changes(await read()))
  }

  return {
    async look(currentStep) {
      const record = await read()
      const { codeStep = Number.NEGATIVE_INFINITY, refusals = 0, refusedAt, sealed } = record ?? {}
      const held = sealed === undefined ? undefined : ticketIn(seal.open(sealed))
      const rest = refusedAt === undefined ? 0 : Date.parse(refusedAt) + REST_MINUTES * 60_000
      return {
        ...(held === undefined ? {} : { held }),
        codeStep: codeStep > currentStep + MOST_PERIODS_AHEAD ? Number.NEGATIVE_INFINITY : codeStep,
        refusals,
        ...(rest > now().getTime() ? { restsUntil: new Date(rest) } : {}),
      }
    },
    claim: (codeStep) => write({ codeStep }),
    noteRefusal: () =>
      writeAnyhow((record) => ({ refusals: (record?.refusals ?? 0) + 1, refusedAt: now().toISOString() })),
    keep: ({ ticket, csrf, account, since }) => {
      const sealed = seal.seal(JSON.stringify({ ticket, csrf, account, since }))
      return writeAnyhow(() => ({ sealed, refusals: undefined, refusedAt: undefined }))
    },
  }
}

function ticketIn(text: string | undefined): HeldTicket | undefined {
  const parsed = ticketSchema.safeParse(parseJson(text ?? ''))
  return parsed.success ? { cookie: cookieOf(parsed.data.ticket), ...parsed.data } : undefined
}

export function cookieOf(ticket: string): string {
  return `PVEAuthCookie=${encodeURIComponent(ticket)}`
}
