/** What must hold whatever is done to an answer: an end in time, an error of ours or a value, and never a false success. */
import { evidenceOf } from '../functions/providers/gathered.ts'
import * as fc from 'fast-check'
import { errorGroup, GuestliftError, PlatformUnavailable } from '../../functions/contracts/errors.ts'
import { judgeProxmox as judge } from '../fakes/judge.ts'
import type { ApiClient } from '../../functions/providers/proxmox/client.ts'
import { gatherEvidence } from '../../functions/providers/proxmox/evidence.ts'
import type { Limits } from '../../functions/http/api-line.ts'
import { parseUpid } from '../../functions/providers/proxmox/identifiers.ts'
import { openProxmox } from '../../functions/providers/proxmox/provider.ts'
import { openTaskReader, requireUpid } from '../../functions/providers/proxmox/tasks.ts'
import { type Reply, type SeenRequest, startByteServer } from '../../local/replay/byte-server.ts'
import { type Classified, type Classifier, findCall } from '../../local/replay/classify.ts'
import type { Exchange } from '../../local/replay/recording.ts'
import { firstIdentity } from '../functions/providers/proxmox/scripted-server.ts'
import { siteFor, surroundings } from '../functions/providers/proxmox/site.ts'
import { type Answer, mangled, manglings, misstatements, whole } from './mangle.ts'

/** Waits of a fuzzer. An answer in time may miss them on a busy machine; that ends in an error and breaks no property. */
export const fuzzLimits: Limits = {
  connectTimeoutMs: 2000,
  headersTimeoutMs: 120,
  bodyTimeoutMs: 120,
  totalTimeoutMs: 300,
  maxBodyBytes: 1024 ** 2,
}
/** A reading call goes round four times, and a flow makes a dozen calls. */
const LONGEST_MS = 30_000

function answerOf({ response }: Exchange): Answer {
  return { statusLine: response.statusLine ?? '', headers: response.headers, body: response.body ?? '' }
}

/** Recorded exchanges that the client has a call for. */
export function fuzzable(exchanges: readonly Exchange[]): Exchange[] {
  return exchanges.filter((one) => typeof findCall(one) !== 'string' && one.response.bodyBase64 == null)
}

/** One recorded answer is mangled, up to three times over, and given to the call it belongs to. */
export function oneAnswer(classifier: Classifier, exchanges: readonly Exchange[]) {
  return fc.asyncProperty(fc.nat(exchanges.length - 1), manglings, async (index, mangling) => {
    const exchange = exchanges[index]
    if (exchange === undefined) return
    const reply = mangled(answerOf(exchange), mangling)
    const startedAt = Date.now()
    const result = await classifier.classify(exchange, [exchange], reply)
    assertOurs(result, startedAt)
    if (result.outcome === 'ok') assertNoFalseSuccess(exchange, result, reply)
  })
}

function assertOurs({ outcome, error, message }: Classified, startedAt: number): void {
  if (Date.now() - startedAt > LONGEST_MS) throw new Error('took too long')
  if (outcome === 'ok') return
  if (error === null || error === 'InternalFault' || errorGroup(error) === undefined) {
    throw new Error(`not an error of ours: ${error ?? 'none'}: ${message}`)
  }
}

/** A task that was started must be named by the answer; an ended one must have ended well, by the answer's own words. */
function assertNoFalseSuccess({ request }: Exchange, { message }: Classified, reply: Reply): void {
  const said = dataIn(reply)
  if (request.method === 'POST' && /\/(?:vzdump|status\/\w+)$/.test(request.path) && message.includes('started')) {
    if (typeof said !== 'string' || parseUpid(said) === undefined) throw new Error(`started without a task: ${message}`)
  }
  if (request.method === 'GET' && /\/tasks\/[^/]+\/status$/.test(request.path)) {
    const { status, exitstatus } = (said ?? {}) as { status?: unknown; exitstatus?: unknown }
    const well = typeof exitstatus === 'string' && /^(?:OK|WARNINGS: \d+)$/.test(exitstatus)
    if (status !== 'running' && !(status === 'stopped' && well))
      throw new Error(`ended well without saying so: ${message}`)
  }
}

/** `data` of the answer's body as it was sent, read without the client. */
function dataIn(reply: Reply): unknown {
  const text = Buffer.from(reply.bytes).toString('utf8')
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? body.length)
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).subarray(0, length).toString('utf8'))
    return typeof parsed === 'object' && parsed !== null && 'data' in parsed ? parsed.data : undefined
  } catch {
    return undefined
  }
}

const upid = 'UPID:pve1:0000211A:0003B7FF:6B0327BB:vzdump:100:backup@pve!client:'
const archive = 'vzdump-qemu-100-2026_11_22-17_34_51.vma.zst'
const row = { volid: `store:backup/${archive}`, size: 1_000_000, ctime: 0x6b0327bb, content: 'backup', vmid: 100 }
const logLines = [
  'INFO: starting new backup job: vzdump 100 --storage store --mode snapshot',
  'INFO: Starting Backup of VM 100 (qemu)',
  'INFO: Backup started at 2026-11-22 17:34:51',
  'INFO: status = running',
  `INFO: creating vzdump archive '/mnt/pve/store/dump/${archive}'`,
  'INFO: 100% (32.0 GiB of 32.0 GiB) in 1m 10s, read: 1.7 GiB/s, write: 0 B/s',
  'INFO: archive file size: 977KB',
  'INFO: Finished Backup of VM 100 (00:01:10)',
  'INFO: Backup finished at 2026-11-22 17:36:01',
  'INFO: Backup job finished successfully',
  'TASK OK',
]

/** The five answers of which a backup's verdict is made, in the order in which they are asked for. */
const pieces = ['status', 'log', 'list', 'volume', 'again'] as const
type Piece = (typeof pieces)[number]

const json = (value: unknown): Answer => ({
  statusLine: 'HTTP/1.1 200 OK',
  headers: [['Content-Type', 'application/json;charset=UTF-8']],
  body: JSON.stringify(value),
})
const good: Record<Piece, Answer> = {
  status: json({ data: { status: 'stopped', exitstatus: 'OK', upid, type: 'vzdump', id: '100' } }),
  log: json({ data: logLines.map((t, index) => ({ n: index + 1, t })), total: logLines.length }),
  list: json({ data: [row, { ...row, volid: 'store:backup/vzdump-lxc-101-2026_11_22-17_00_00.tar', vmid: 101 }] }),
  volume: json({ data: { path: `/mnt/pve/store/dump/${archive}`, notes: 'web', protected: 0, size: 1_000_448 } }),
  again: json({ data: [row] }),
}

function pieceOf({ path }: SeenRequest, lists: number): Piece {
  if (path.includes('/status')) return 'status'
  if (path.includes('/log')) return 'log'
  if (path.includes('/content/')) return 'volume'
  return lists === 0 ? 'list' : 'again'
}

/** A good backup of which some answers are mangled: good still only if everything that counts arrived whole. */
export function wholeBackup() {
  const some = fc.uniqueArray(fc.record({ piece: fc.constantFrom(...pieces), mangling: manglings }), {
    minLength: 1,
    maxLength: 3,
    selector: ({ piece }) => piece,
  })
  return fc.asyncProperty(some, async (chosen) => {
    const replies = new Map<Piece, Reply>(pieces.map((piece) => [piece, whole(good[piece])]))
    for (const { piece, mangling } of chosen) replies.set(piece, mangled(good[piece], mangling))
    const startedAt = Date.now()
    const result = await verdictOver(replies)
    if (Date.now() - startedAt > LONGEST_MS) throw new Error('took too long')
    if (result === 'good') assertIntact(replies, chosen)
  })
}

/**
 * The same without a line in between, and so some thousand times as often: answers that say something else than the
 * platform did, and logs of which lines are missing or stand elsewhere.
 */
export function misstatedBackup() {
  // Most answers stay as they are, or nothing good would be left to go wrong.
  const perhaps = fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: misstatements })
  const answers = fc.record({
    status: perhaps,
    list: perhaps,
    again: perhaps,
    volume: perhaps,
    log: perhaps,
    lines: fc.oneof(
      fc.constant(logLines),
      fc.subarray(logLines, { minLength: logLines.length - 2 }),
      fc.shuffledSubarray(logLines, { minLength: logLines.length - 2 }),
    ),
    exitStatus: fc.constantFrom(
      'OK',
      'OK',
      'OK',
      'WARNINGS: 1',
      'job errors',
      'unexpected status',
      'interrupted by signal',
    ),
    size: fc.constantFrom<unknown>(row.size, row.size, row.size, 0),
    ctime: fc.constantFrom<unknown>(row.ctime, row.ctime, row.ctime + 5, row.ctime - 31, row.ctime - 86_400),
    name: fc.constantFrom(row.volid, row.volid, row.volid, 'store:backup/vzdump-qemu-100-2026_11_21-17_34_51.vma.zst'),
    againSize: fc.constantFrom<unknown>(
      row.size,
      row.size,
      row.size,
      String(row.size),
      row.size + 1,
      1_000_448,
      0,
      null,
    ),
  })
  return fc.asyncProperty(answers, async ({ lines, exitStatus, size, ctime, name, againSize, ...chosen }) => {
    const said: Record<Piece, Answer> = {
      ...good,
      status: json({ data: { status: 'stopped', exitstatus: exitStatus } }),
      log: json({ data: lines.map((t, index) => ({ n: index + 1, t })) }),
      list: json({ data: [{ ...row, size, ctime, volid: name }] }),
      again: json({ data: [{ ...row, ctime, size: size === 0 ? 0 : againSize }] }),
    }
    const replies = new Map<Piece, Reply>(
      pieces.map((piece) => {
        const mangling = chosen[piece]
        return [piece, mangling === undefined ? whole(said[piece]) : mangled(said[piece], mangling)]
      }),
    )
    const client = directClient(replies)
    const tasks = openTaskReader(client, 'hq', () => Promise.resolve())
    const job = { ref: upid, upid: requireUpid(upid, 'hq') }
    const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const
    try {
      const { evidence } = await gatherEvidence(client, tasks, () => Promise.resolve(), job, guest, 'store')
      if (judge(evidence).good) assertIntact(replies, { lines, exitStatus, size, ctime, name, againSize, ...chosen })
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
    }
  })
}

/** Gives the answers to whoever asks, as the client does behind its wire. */
function directClient(replies: ReadonlyMap<Piece, Reply>): ApiClient {
  let listed = false
  return {
    account: 'backup@pve!client',
    about: (doing, details = {}) => ({ site: 'hq', account: 'backup@pve!client', doing, ...details }),
    get: (path, schema) => {
      const piece = pieceOf({ method: 'GET', path, headers: {}, body: '' }, listed ? 1 : 0)
      if (piece === 'volume') listed = true
      const parsed = schema.safeParse(dataIn(replies.get(piece) ?? { bytes: '' }))
      return parsed.success
        ? Promise.resolve({ data: parsed.data, timing: { askedAt: new Date(0), answeredAt: new Date(0) } })
        : Promise.reject(new PlatformUnavailable('not as documented'))
    },
    write: () => Promise.reject(new Error('nothing is changed here')),
    lastTiming: () => undefined,
    close: () => Promise.resolve(),
  }
}

async function verdictOver(replies: ReadonlyMap<Piece, Reply>): Promise<'good' | 'bad'> {
  let listed = false
  const server = await startByteServer((request) => {
    const piece = pieceOf(request, listed ? 1 : 0)
    // The volume is asked for between the two looks at the list.
    if (piece === 'volume') listed = true
    return replies.get(piece) ?? { bytes: '' }
  }, firstIdentity)
  const provider = openProxmox('hq', siteFor(server), surroundings(), fuzzLimits)
  try {
    const guest = { id: '100', kind: 'vm', name: 'web', node: 'pve1' } as const
    return judge(await evidenceOf(provider, upid, guest, 'store')).good ? 'good' : 'bad'
  } catch (error) {
    if (error instanceof GuestliftError && errorGroup(error.name) !== undefined) return 'bad'
    throw error
  } finally {
    await provider.close()
    await server.close()
  }
}

/** Read from the very bytes, without the client: each fact that a good verdict rests on. */
function assertIntact(replies: ReadonlyMap<Piece, Reply>, chosen: unknown): void {
  const said = (piece: Piece) => dataIn(replies.get(piece) ?? { bytes: '' })
  const rows = (piece: Piece) => {
    const data = said(piece)
    return (Array.isArray(data) ? data : []) as unknown[]
  }
  const lines = rows('log').map((line) => (line as { t?: unknown } | null)?.t)
  const exit = (said('status') as { exitstatus?: unknown } | undefined)?.exitstatus
  const [one, other] = (['list', 'again'] as const).map((piece) =>
    rows(piece).find((each) => (each as { volid?: unknown } | null)?.volid === row.volid),
  ) as ({ size?: unknown; ctime?: unknown } | undefined)[]
  // In the hour that is repeated in autumn the storage may read the name's time an hour early; then the log's start tells.
  const age = row.ctime - Number(one?.ctime)
  const last = String(lines.findLast((line) => typeof line === 'string' && line.trim() !== ''))
  const facts: [what: string, holds: boolean][] = [
    ['exit status', /^(?:OK|WARNINGS: \d+)$/.test(String(exit)) || String(exit) === 'unexpected status'],
    ['opening line', lines.includes(logLines[0])],
    ['archive line', lines.includes(logLines[4])],
    ['finish line', lines.includes(logLines[7])],
    ['last line', /^TASK (?:OK|WARNINGS: \d+)$/.test(last)],
    ['no failure', !lines.some((line) => String(line).startsWith('ERROR: Backup of VM 100 failed'))],
    ['row', one !== undefined && Number(one.size) > 0 && (age <= 30 || (age <= 3600 && lines.includes(logLines[2])))],
    ['row again', other !== undefined && Number(other.size) === Number(one?.size)],
  ]
  const broken = facts.filter(([, holds]) => !holds).map(([what]) => what)
  if (broken.length > 0) throw new Error(`good without ${broken.join(', ')}: ${JSON.stringify(chosen)}`)
}
