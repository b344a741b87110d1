import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rename, truncate, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import type { SiteFileLocation } from '../../../../functions/contracts/nouns.ts'
import type { SignedPut } from '../../../../functions/contracts/signed-put.ts'
import { combineAllCrc32 } from '../../../../functions/domain/transfer/crc32.ts'
import { openPushRoute } from '../../../../functions/readers/push/push.ts'
import { pushProgram } from '../../../../functions/readers/push/push-agent.ts'
import type { AgentDeps } from '../../../../functions/ssh/agent/agent-pause.ts'
import type { SessionSettings } from '../../../../functions/ssh/agent/agent-session.ts'
import type { Pusher } from '../../../../functions/readers/reader.ts'
import type { Fault, FaultSubject } from '../../../../local/s3/faults.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { startFakeS3 } from '../../aws/fake-s3.ts'
import { type OpenSshServer, sshdPath, startOpenSsh } from '../../ssh/openssh-server.ts'
import { agentsOf, eventually, pushRouteTo, startBlurter, startGate } from './push-node.ts'

const MIB = 2 ** 20
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-that-stays-here' }
const BUCKET = 'archives'
const KEY = 'archives/hq/vm-100/vzdump ü+&=.vma.zst'

if (sshdPath === undefined) console.warn('skipped: no sshd')

describe.skipIf(sshdPath === undefined)('the push route', () => {
  const body = randomBytes(16 * MIB + 12_345)
  let ssh: OpenSshServer
  /** A server whose account runs a script of ours, whatever it is asked to run. */
  let scripted: OpenSshServer
  let script: string
  let s3: S3Server
  let folder: string
  let path: string
  let store: S3ArchiveStore
  let uploadId: string
  let slept: number[]
  let plan: (subject: FaultSubject) => Fault | undefined
  /** Added to S3's clock. */
  let aheadMilliseconds = 0
  const open: Pusher[] = []

  const deps: AgentDeps = {
    random: () => 0.5,
    sleep: async (milliseconds) => void slept.push(milliseconds),
  }

  beforeAll(async () => {
    ssh = await startOpenSsh()
    folder = mkdtempSync(join(tmpdir(), 'guestlift-push-'))
    script = join(folder, 'forced.sh')
    scripted = await startOpenSsh([`ForceCommand sh ${script}`])
    s3 = await startS3({
      directory: join(folder, 's3'),
      ...KEYS,
      buckets: [BUCKET],
      now: () => new Date(Date.now() + aheadMilliseconds),
      faults: (subject) => plan(subject),
    })
  })
  afterAll(async () => {
    await s3.close()
    await ssh.close()
    await scripted.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(async () => {
    slept = []
    plan = () => undefined
    aheadMilliseconds = 0
    store = storeAt(s3.url)
    uploadId = await store.createUpload(KEY)
    path = join(folder, `vzdump of 'ü' "$x"\n;.vma.zst`)
    await writeFile(path, body)
  })
  afterEach(async () => {
    for (const pusher of open.splice(0)) await pusher.close()
    await store.abortUpload(KEY, uploadId)
  })

  function storeAt(endpoint: string): S3ArchiveStore {
    const client = createS3Client({ endpoint, region: 'us-east-1', credentials: KEYS })
    return new S3ArchiveStore(client, BUCKET, deps)
  }
  const location = (): SiteFileLocation => ({ node: 'pve1', path, storage: 'local', volume: 'backup/x' })

  async function pusherTo(server = ssh, settings: Partial<SessionSettings> = {}): Promise<Pusher> {
    const pusher = await openPushRoute('hq', pushRouteTo(server), settings, deps).openPusher?.(location())
    if (pusher === undefined) throw new Error('the route has no pusher')
    open.push(pusher)
    return pusher
  }

  /** Push bytes `from` to `to` as a part. */
  function push(pusher: Pusher, partNumber: number, [from, to]: [number, number], signal?: AbortSignal, at = store) {
    return pusher.push(
      { positionBytes: from, sizeBytes: to - from },
      (sums) => at.presignPart(KEY, uploadId, partNumber, { ...sums, sizeBytes: to - from }),
      signal,
    )
  }
  const whole: [number, number] = [0, body.length]

  /** Fails the first `times` tries of a part. */
  function failing(times: number, fault: Fault): void {
    let left = times
    plan = ({ operation }) => (operation === 'UploadPart' && left-- > 0 ? fault : undefined)
  }

  async function refusal(work: Promise<unknown>): Promise<Error> {
    const outcome = await work.catch((error: unknown) => error)
    if (!(outcome instanceof Error)) throw new Error('it succeeded')
    return outcome
  }

  it('has the node send parts side by side that make one object, with the sum over the whole', async () => {
    const pusher = await pusherTo()
    const cuts = [0, 5 * MIB, 10 * MIB, 15 * MIB + 7, body.length]
    const ranges = cuts.slice(1).map((to, index): [number, number] => [cuts[index] ?? 0, to])
    const sums = await Promise.all(ranges.map((range, index) => push(pusher, index + 1, range)))
    expect(sums).toEqual(
      ranges.map(([from, to]) => {
        const part = body.subarray(from, to)
        return { crc32: crc32(part), md5: createHash('md5').update(part).digest('base64'), throttles: 0 }
      }),
    )
    const parts = await store.listParts(KEY, uploadId)
    const stored = await store.completeUpload(KEY, uploadId, parts, combineAllCrc32(parts))
    expect(stored).toMatchObject({ sizeBytes: body.length, crc32: crc32(body) })
    await store.remove(KEY)
  })

  it('sends an empty file as an empty part', async () => {
    await writeFile(path, '')
    const pusher = await pusherTo()
    expect(await push(pusher, 1, [0, 0])).toMatchObject({ crc32: 0 })
    expect(await store.listParts(KEY, uploadId)).toMatchObject([{ partNumber: 1, sizeBytes: 0 }])
  })

  it('leaves nothing on the node that could be read from a command line or stay behind', async () => {
    const pusher = await pusherTo()
    await Promise.all([push(pusher, 1, [0, 5 * MIB]), push(pusher, 2, [5 * MIB, 6 * MIB])])
    const commands = [...agentsOf(ssh).values()]
    expect(commands.length).toBeGreaterThan(0)
    for (const command of commands) expect(command).not.toMatch(/http|Amz|vzdump|secret/i)
    await pusher.close()
    await eventually('the agents have ended', () => agentsOf(ssh).size === 0)
  })

  it.each<[string, Fault, number]>([
    ['answers 500', { code: 'InternalError' }, 0],
    ['says SlowDown', { code: 'SlowDown' }, 2],
    ['finds the part damaged', { code: 'BadDigest' }, 0],
    ['cuts the connection in the middle of the body', 'cut', 0],
    ['loses the answer', 'lose-answer', 0],
  ])('has a part sent again, each time to a new URL, when S3 %s', async (_name, fault, throttles) => {
    const pusher = await pusherTo()
    failing(2, fault)
    const signed: SignedPut[] = []
    const sums = await pusher.push({ positionBytes: 0, sizeBytes: body.length }, async (made) => {
      const put = await store.presignPart(KEY, uploadId, 1, { ...made, sizeBytes: body.length })
      signed.push(put)
      return put
    })
    expect(sums).toMatchObject({ crc32: crc32(body), throttles })
    expect(signed).toHaveLength(3)
    expect(slept).toEqual([250, 500])
    expect(await store.listParts(KEY, uploadId)).toMatchObject([{ sizeBytes: body.length, crc32: crc32(body) }])
  })

  it('has a part sent to a new URL when the old one had expired', async () => {
    const pusher = await pusherTo()
    let tries = 0
    await pusher.push({ positionBytes: 0, sizeBytes: MIB }, async (sums) => {
      aheadMilliseconds = ++tries === 1 ? 20 * 60_000 : 0
      return store.presignPart(KEY, uploadId, 1, { ...sums, sizeBytes: MIB })
    })
    expect(tries).toBe(2)
    aheadMilliseconds = 20 * 60_000
    expect(await refusal(push(pusher, 1, [0, MIB]))).toMatchObject({
      name: 'StoreDenied',
      message: expect.stringMatching(/expired.*clock/),
    })
  })

  it('gives up after six tries, as an error that may be retried later', async () => {
    const pusher = await pusherTo()
    failing(99, { code: 'SlowDown' })
    expect(await refusal(push(pusher, 7, whole))).toMatchObject({
      name: 'StoreUnavailable',
      group: 'retry',
      message: expect.stringMatching(/node send part 7 of s3:\/\/archives.*SlowDown/),
    })
    expect(slept).toHaveLength(5)
  })

  it.each([
    ['AccessDenied', 'StoreDenied', /s3:PutObject/],
    ['NoSuchUpload', 'UploadVanished', /aborted/],
    ['BadDigest', 'ChecksumMismatch', /damaged/],
  ] as const)('calls it by its name when S3 keeps answering %s', async (code, name, message) => {
    const pusher = await pusherTo()
    failing(99, { code })
    expect(await refusal(push(pusher, 1, [0, MIB]))).toMatchObject({ name, message: expect.stringMatching(message) })
    // The agent lives on.
    plan = () => undefined
    await expect(push(pusher, 1, [0, MIB])).resolves.toBeDefined()
  })

  it('notices bytes that change between summing and sending', async () => {
    const pusher = await pusherTo()
    const pushing = pusher.push({ positionBytes: 0, sizeBytes: MIB }, async (sums) => {
      await writeFile(path, randomBytes(body.length))
      return store.presignPart(KEY, uploadId, 1, { ...sums, sizeBytes: MIB })
    })
    expect(await refusal(pushing)).toMatchObject({ name: 'SourceChanged' })
    expect(await store.listParts(KEY, uploadId)).toEqual([])
  })

  it('says ShortRead for a range beyond the end, and for a file cut short between summing and sending', async () => {
    const pusher = await pusherTo()
    expect(await refusal(push(pusher, 1, [body.length - 10, body.length + 1]))).toMatchObject({ name: 'ShortRead' })
    const pushing = pusher.push({ positionBytes: 0, sizeBytes: body.length }, async (sums) => {
      await truncate(path, 8 * MIB)
      return store.presignPart(KEY, uploadId, 1, { ...sums, sizeBytes: body.length })
    })
    expect(await refusal(pushing)).toMatchObject({ name: 'ShortRead' })
    expect(await store.listParts(KEY, uploadId)).toEqual([])
  })

  it('never mixes a file with the one that replaced it', async () => {
    const pusher = await pusherTo()
    const before = await pusher.stat()
    await writeFile(`${path}.new`, randomBytes(body.length + 1))
    await rename(`${path}.new`, path)
    // Two at once: one takes the agent that has the old file open, for the other one is started.
    const results = await Promise.allSettled([push(pusher, 1, [0, 5 * MIB]), push(pusher, 2, [5 * MIB, 6 * MIB])])
    expect(results[0]).toMatchObject({ status: 'fulfilled', value: { crc32: crc32(body.subarray(0, 5 * MIB)) } })
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { name: 'SourceChanged' } })
    expect(await pusher.stat()).not.toEqual(before)
  })

  it('stops the node in the middle of a part when told to, leaves no half part, and goes on with others', async () => {
    const gate = await startGate(s3.port, 8 * MIB)
    const pusher = await pusherTo()
    const abort = new AbortController()
    const pushing = push(pusher, 1, whole, abort.signal, storeAt(gate.url))
    await eventually('half of the part is on its way', () => gate.receivedBytes >= 8 * MIB)
    abort.abort(new Error('enough'))
    expect((await refusal(pushing)).message).toBe('enough')
    gate.drain()
    await eventually('the node has hung up', () => gate.open === 0, 3)
    expect(await store.listParts(KEY, uploadId)).toEqual([])
    await expect(push(pusher, 1, [0, MIB])).resolves.toMatchObject({ crc32: crc32(body.subarray(0, MIB)) })
    await gate.close()
  })

  it('says ConnectionDropped when the connection breaks, and no agent outlives it', async () => {
    const gate = await startGate(s3.port, 8 * MIB)
    const pusher = await pusherTo()
    const pushing = refusal(push(pusher, 1, whole, undefined, storeAt(gate.url)))
    await eventually('half of the part is on its way', () => gate.receivedBytes >= 8 * MIB)
    const [agent] = agentsOf(ssh).keys()
    // The agent's ancestors up to the server are this connection's.
    spawnSync('bash', [
      '-c',
      `p=$(ps -o ppid= -p ${agent}); while [ $p != ${ssh.pid} ]; do kill -9 $p; q=$(ps -o ppid= -p $p); p=$q; [ -z "$p" ] && break; done`,
    ])
    expect(await pushing).toMatchObject({ name: 'ConnectionDropped', group: 'retry' })
    gate.drain()
    await eventually('the node has hung up', () => gate.open === 0, 3)
    await eventually('the agents have ended', () => agentsOf(ssh).size === 0, 3)
    expect(await store.listParts(KEY, uploadId)).toEqual([])
    await gate.close()
  })

  it('says ConnectionDropped when the agent is killed, and starts another for the next part', async () => {
    const pusher = await pusherTo()
    const [agent = 0] = agentsOf(ssh).keys()
    const reader = push(pusher, 1, whole, undefined, storeAt((await startGate(s3.port, 8 * MIB)).url))
    const outcome = refusal(reader)
    process.kill(agent, 'SIGKILL')
    expect(await outcome).toMatchObject({ name: 'ConnectionDropped' })
    await expect(push(pusher, 1, [0, MIB])).resolves.toBeDefined()
  })

  it('takes a slow way to the store for work, and silence for the end', async () => {
    const gate = await startGate(s3.port, 8 * MIB)
    const settings = { speakSeconds: 0.2, idleMilliseconds: 4_000 }
    const pusher = await pusherTo(ssh, settings)
    const abort = new AbortController()
    const pushing = refusal(push(pusher, 1, whole, abort.signal, storeAt(gate.url)))
    await eventually('half of the part is on its way', () => gate.receivedBytes >= 8 * MIB)
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    const [agent = 0] = agentsOf(ssh).keys()
    expect(agent).not.toBe(0)
    process.kill(agent, 'SIGSTOP')
    expect(await pushing).toMatchObject({ name: 'ConnectionDropped', message: expect.stringMatching(/said nothing/) })
    process.kill(agent, 'SIGKILL')
    await gate.close()
  })

  it.each<[string, string, string, RegExp]>([
    ['nothing listens there', 'http://127.0.0.1:1', 'StoreUnavailable', /node can't connect.*firewall/],
    ['its name is unknown', 'http://store.invalid', 'StoreUnavailable', /node can't look up.*DNS/],
  ])('says that it is the node that does not reach the store when %s', async (_name, url, name, message) => {
    const pusher = await pusherTo()
    expect(await refusal(push(pusher, 1, [0, MIB], undefined, storeAt(url)))).toMatchObject({
      name,
      message: expect.stringMatching(message),
    })
    expect(slept).toHaveLength(5)
  })

  const xml = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>'
  it.each<[string, string]>([
    ['with a length', `HTTP/1.1 403 Forbidden\r\nContent-Length: ${xml.length}\r\n\r\n${xml}`],
    [
      'in chunks',
      `HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n${xml.length.toString(16)}\r\n${xml}\r\n0\r\n\r\n`,
    ],
    ['up to the end of the connection', `HTTP/1.0 403 Forbidden\r\n\r\n${xml}`],
  ])('reads a refusal %s from a store that does not wait for the bytes', async (_name, answer) => {
    const blurter = await startBlurter((socket) => socket.end(answer))
    const pusher = await pusherTo()
    expect(await refusal(push(pusher, 1, whole, undefined, storeAt(blurter.url)))).toMatchObject({
      name: 'StoreDenied',
      message: expect.stringMatching(/s3:PutObject/),
    })
    await blurter.close()
  })

  it.each<[string, string]>([
    ['is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['has no end', `HTTP/1.1 200 OK\r\n${'x-amz-a: b\r\n'.repeat(20_000)}`],
    ['ends at once', ''],
  ])('takes an answer that %s for a passing fault', async (_name, answer) => {
    const blurter = await startBlurter((socket) => socket.end(answer))
    const pusher = await pusherTo()
    expect(await refusal(push(pusher, 1, [0, 1], undefined, storeAt(blurter.url)))).toMatchObject({
      name: 'StoreUnavailable',
    })
    await blurter.close()
  })

  it('refuses a store that confirms no CRC-32, or another one', async () => {
    const fake = await startFakeS3()
    const pusher = await pusherTo()
    const at = storeAt(fake.url)
    uploadId = await at.createUpload(KEY)
    fake.fault = () => ({ withoutChecksum: true })
    expect(await refusal(push(pusher, 1, [0, 9], undefined, at))).toMatchObject({ name: 'StoreDenied' })
    fake.fault = () => ({ wrongChecksum: true })
    expect(await refusal(push(pusher, 1, [0, 9], undefined, at))).toMatchObject({ name: 'ChecksumMismatch' })
    await fake.close()
    uploadId = await store.createUpload(KEY)
  })

  it('sends several parts over one kept connection', async () => {
    const fake = await startFakeS3()
    const pusher = await pusherTo()
    const at = storeAt(fake.url)
    uploadId = await at.createUpload(KEY)
    const before = fake.connections
    for (const part of [1, 2, 3]) await push(pusher, part, [0, MIB], undefined, at)
    expect(fake.connections - before).toBe(1)
    await fake.close()
    uploadId = await store.createUpload(KEY)
  })

  it('sends over TLS to a store whose authority the node trusts, and to no other', async () => {
    const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')]
    const subject = ['-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    spawnSync('openssl', [...request, '-keyout', key, '-out', certificate, ...subject])
    const fake = await startFakeS3({ tls: { key: readFileSync(key), cert: readFileSync(certificate) } })
    fake.uploads.set('u', { key: KEY, parts: new Map() })
    uploadId = 'u'
    const distrusting = await pusherTo()
    const at = storeAt(fake.url)
    expect(await refusal(push(distrusting, 1, whole, undefined, at))).toMatchObject({
      name: 'SourceUnreadable',
      message: expect.stringMatching(/doesn't trust.*ca-certificates/),
    })
    const trusting = await startOpenSsh([], { SSL_CERT_FILE: certificate })
    const pusher = await pusherTo(trusting)
    expect(await push(pusher, 1, whole, undefined, at)).toMatchObject({ crc32: crc32(body) })
    expect(fake.uploads.get('u')?.parts.get(1)?.body.equals(body)).toBe(true)
    // The right authority for the wrong name.
    const elsewhere = storeAt(fake.url.replace('127.0.0.1', 'localhost'))
    expect(await refusal(push(pusher, 1, whole, undefined, elsewhere))).toMatchObject({ name: 'SourceUnreadable' })
    await pusher.close()
    await trusting.close()
    await fake.close()
    uploadId = await store.createUpload(KEY)
  })

  it.each<[string, string, string, RegExp]>([
    [
      'has no shell',
      'echo This account is currently not available.; exit 1',
      'SourceUnreadable',
      /currently not available/,
    ],
    ['has no perl', 'exec no-such-perl', 'SourceUnreadable', /finds no perl/],
    [
      'lacks a Perl module',
      `echo "Can't locate JSON/PP.pm in @INC" >&2; exit 1`,
      'SourceUnreadable',
      /lacks the module JSON::PP/,
    ],
    ['prints without end', 'yes', 'ConnectionDropped', /far too much text/],
  ])('says so when the account %s', async (_what, command, name, message) => {
    writeFileSync(script, `${command}\n`)
    const failure = await refusal(openPushRoute('hq', pushRouteTo(scripted)).check('pve1'))
    expect(failure).toMatchObject({ name, message: expect.stringMatching(message) })
  })

  it('says so when the account may only use SFTP', async () => {
    const server = await startOpenSsh(['ForceCommand internal-sftp -R'])
    const failure = await refusal(openPushRoute('hq', pushRouteTo(server)).check('pve1'))
    expect(failure).toMatchObject({ name: 'SourceUnreadable' })
    expect(failure.message).toMatch(/may not run commands.*ForceCommand.*route sftp/s)
    await server.close()
  })

  it('looks at the folder and connects to the store from the node', async () => {
    const store = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(store, 'listening')
    const { port } = store.address() as AddressInfo
    const storeUrl = `http://127.0.0.1:${port}/archives/x?secret=1`
    const route = openPushRoute('hq', pushRouteTo(scripted))
    writeFileSync(script, 'eval "$SSH_ORIGINAL_COMMAND"\n')
    await expect(route.check('pve1', { folder: '/usr', storeUrl })).resolves.toBeUndefined()
    const missing = await refusal(route.check('pve1', { folder: '/usr/no-such-folder', storeUrl }))
    expect(missing).toMatchObject({
      name: 'SourceUnreadable',
      message: expect.stringMatching(/\/usr\/no-such-folder doesn't exist .*storage is online/),
    })
    expect(missing).not.toMatchObject({ message: expect.stringContaining('copied before') })
    store.close()
    await once(store, 'close')
    const refused = await refusal(route.check('pve1', { folder: '/usr', storeUrl }))
    expect(refused).toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringMatching(/node can't connect to the store/),
    })
    expect(refused.message).not.toContain('secret')
  })

  it('puts up with what a login script prints before', async () => {
    writeFileSync(script, 'echo Welcome to pve1; echo\neval "$SSH_ORIGINAL_COMMAND"\n')
    await expect(openPushRoute('hq', pushRouteTo(scripted)).check('pve1')).resolves.toBeUndefined()
  })

  const sized = '{"ok":"open","sizeBytes":9,"modifiedMilliseconds":1}'
  it.each<[string, string]>([
    ['no JSON', 'hello'],
    ['an answer to another question', '{"ok":"probe","perl":"5","tls":"2"}'],
    ['a size that is none', '{"ok":"open","sizeBytes":-1,"modifiedMilliseconds":1}'],
    ['bytes that nobody asked for', '{"data":5}\nxxxxx'],
    ['two answers', `${sized}\n${sized}`],
    ['a line without end', '"$(head -c 300000 /dev/zero | tr "\\0" x)"'],
  ])('ends an agent that says %s', async (_what, lines) => {
    const text = lines.startsWith('"$(') ? lines : `'${lines}'`
    writeFileSync(script, `head -c 100 >/dev/null; echo guestlift-agent 1; printf '%s\\n' ${text}; sleep 5; exit 0\n`)
    const attempt = async (): Promise<void> => {
      const pusher = await pusherTo(scripted)
      await pusher.stat()
    }
    const failure = await refusal(attempt())
    expect(failure).toMatchObject({
      name: 'ConnectionDropped',
      message: expect.stringMatching(/no agent of ours|far too much/),
    })
    expect(failure.message.length).toBeLessThan(700)
  })

  it('never says a URL in an error', async () => {
    const pusher = await pusherTo()
    for (const code of ['AccessDenied', 'SignatureDoesNotMatch', 'InternalError'] as const) {
      failing(99, { code })
      const failure = await refusal(push(pusher, 1, [0, MIB]))
      expect(`${failure.message} ${String(failure.cause)}`).not.toMatch(/X-Amz|Signature=/)
    }
  })
})

describe('the agent', () => {
  const program = pushProgram({ speakSeconds: 5, unheardSeconds: 1 })

  it('is clean Perl without warnings, in ASCII', () => {
    const checked = spawnSync('perl', ['-wc'], { input: program })
    expect(checked.stderr.toString()).toBe('- syntax OK\n')
    expect(Buffer.from(program, 'latin1').toString('ascii')).toBe(program)
  })

  it('ends by itself when nobody has been there for a while, although nothing was closed', async () => {
    const agent = spawn('perl', ['-e', program], { stdio: ['pipe', 'ignore', 'ignore'] })
    const startedAt = performance.now()
    await new Promise((resolve) => agent.once('exit', resolve))
    expect(performance.now() - startedAt).toBeGreaterThan(900)
    agent.stdin.destroy()
  })

  it.skipIf(userInfo().uid !== 0)('tells a file that the account may not read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'guestlift-agent-'))
    const path = join(folder, 'file')
    writeFileSync(path, 'x', { mode: 0o600 })
    const agent = spawnSync('perl', ['-e', program], {
      input: `${JSON.stringify({ do: 'open', path })}\n`,
      uid: 65_534,
    })
    expect(agent.stdout.toString()).toContain('"fail":"denied"')
    rmSync(folder, { recursive: true })
  })
})
