import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createS3Client } from '../../../../functions/aws/s3-client.ts'
import { S3ArchiveStore } from '../../../../functions/aws/s3-archive-store.ts'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { lastCoverageKey, verificationKey } from '../../../../functions/domain/books/object-keys.ts'
import { mcpServer } from '../../../../local/cli/mcp/mcp-server.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { AuditedBucket } from '../../../fakes/audited-bucket.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

const web = { id: '100', name: 'web' }
const NOW = '2026-07-02T12:00:00.000Z'
const MADE = '2026-07-02T02:00:00.000Z'

let opened: Client[] = []
afterEach(async () => {
  for (const client of opened) await client.close()
  opened = []
})

/** The SDK's own client, and a store in memory in which nothing may be changed any more. */
async function scene(now = NOW) {
  const store = new MemoryStore(() => new Date(now))
  const bucket = new AuditedBucket(store)
  const connect = async () => {
    const refuse = () => Promise.reject(new Error('an agent changed something'))
    Object.assign(store, { writeText: refuse, remove: refuse, createUpload: refuse, thaw: refuse })
    const needs = { store, keyPrefix: '', now: () => new Date(now), s3: undefined, everyMilliseconds: 86_400_000 }
    const [here, there] = InMemoryTransport.createLinkedPair()
    await mcpServer('0.0.0', needs).connect(there)
    const client = new Client({ name: 'test', version: '0' })
    await client.connect(here)
    opened.push(client)
    const ask = async (name: string, question: object = {}) => {
      const answer = await client.callTool({ name, arguments: { ...question } })
      const [first] = answer.content as { text: string }[]
      return { isError: answer.isError === true, text: first?.text ?? '', told: answer.structuredContent ?? {} }
    }
    return { client, ask }
  }
  return { store, bucket, connect }
}

describe('what an agent is offered', () => {
  it('are tools that say that they only read', async () => {
    const { connect } = await scene()
    const { client } = await connect()
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'is_guest_safe',
      'list_uncovered',
      'restore_cost',
      'list_archives',
      'show_guest',
      'latest_runs',
    ])
    for (const { annotations } of tools)
      expect(annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false })
  })

  it('refuses questions of another form', async () => {
    const { connect } = await scene()
    const { ask } = await connect()
    expect(await ask('is_guest_safe', { guest: '' })).toMatchObject({ isError: true })
    expect(await ask('is_guest_safe', { guest: '100', confirm: true })).toMatchObject({ isError: true })
  })
})

describe('whether a guest is safe', () => {
  it('is told with the archive that it rests on, and with what is in doubt', async () => {
    const { bucket, connect } = await scene()
    await bucket.run(MADE, [web])
    const { ask } = await connect()
    const { told } = await ask('is_guest_safe', { guest: 'vm-100' })
    expect(told).toMatchObject({
      bucket: 'memory',
      askedAt: NOW,
      verdict: 'covered',
      safe: true,
      doubts: [
        expect.stringContaining('was never read back whole'),
        expect.stringContaining('No rehearsal'),
        expect.stringContaining('No check of coverage'),
      ],
      evidence: {
        newestArchive: { manifestKey: `archives/hq/vm-100/2026-07-02T02-00-00Z/manifest.json`, state: 'complete' },
      },
    })
  })

  it('is denied for an old archive, a refused one, and a guest that nobody knows', async () => {
    const { bucket, store, connect } = await scene()
    await bucket.run('2026-06-20T02:00:00.000Z', [{ id: '101', name: 'old' }])
    await bucket.run(MADE, [web])
    const verification = {
      version: 1,
      verifiedAt: NOW,
      tool: 't',
      result: 'refused',
      findings: [{ code: 'c', message: 'Its bytes are others.' }],
      notes: [],
      evidence: [],
    }
    await store.writeText(verificationKey(bucket.folder(MADE, web)), JSON.stringify(verification))
    const { ask } = await connect()
    expect((await ask('is_guest_safe', { guest: '101' })).told).toMatchObject({ safe: false, verdict: 'stale' })
    const refused = (await ask('is_guest_safe', { guest: '100' })).told
    expect(refused).toMatchObject({ safe: false, verdict: 'damaged' })
    expect(JSON.stringify(refused)).toContain('Its bytes are others.')
    expect((await ask('is_guest_safe', { guest: '999' })).told).toMatchObject({ safe: false, verdict: 'unknown' })
  })

  it('is held against the last check of coverage, as long as nothing was archived since', async () => {
    const { bucket, store, connect } = await scene()
    await bucket.run(MADE, [web])
    await bucket.coverage('2026-07-02T08:00:00.000Z', [{ id: '100', name: 'web', state: 'shrunk' }])
    const key = 'coverage/2026/07/02/check-2026-07-02.json'
    await store.writeText(lastCoverageKey('', 'hq'), (await store.readText(key))?.text ?? '')
    const { ask } = await connect()
    const { told } = await ask('is_guest_safe', { guest: '100' })
    expect(told).toMatchObject({
      safe: false,
      verdict: 'shrunk',
      evidence: { coverageCheck: { key: 'coverage/hq.json' } },
    })
  })

  it('is an error where the store does not answer: never a verdict', async () => {
    const { bucket, store, connect } = await scene()
    await bucket.run(MADE, [web])
    const { ask } = await connect()
    const fail = () => Promise.reject(new StoreUnavailable('s3 does not answer'))
    Object.assign(store, { listObjects: fail, listFolders: fail, listKeys: fail, readText: fail })
    store.listObjects = () => {
      throw new StoreUnavailable('s3 does not answer')
    }
    for (const name of ['is_guest_safe', 'restore_cost', 'show_guest']) {
      const { isError, text } = await ask(name, { guest: '100' })
      expect({ name, isError }).toEqual({ name, isError: true })
      expect(text).toContain('s3 does not answer')
    }
    for (const name of ['list_uncovered', 'list_archives', 'latest_runs']) {
      const { isError, text } = await ask(name)
      expect({ name, isError }).toEqual({ name, isError: true })
      expect(text).not.toContain('"safe"')
    }
  })
})

describe('what is uncovered, what it costs, and what ran', () => {
  it('names guests by the bucket, and those without any archive by the last check', async () => {
    const { bucket, store, connect } = await scene()
    await bucket.run('2026-06-20T02:00:00.000Z', [web])
    await bucket.coverage('2026-07-02T08:00:00.000Z', [
      { id: '100', state: 'stale' },
      { id: '103', name: 'new', state: 'never' },
    ])
    await store.writeText(
      lastCoverageKey('', 'hq'),
      (await store.readText('coverage/2026/07/02/check-2026-07-02.json'))?.text ?? '',
    )
    const { ask } = await connect()
    const { told } = await ask('list_uncovered')
    expect(told).toMatchObject({
      byTheBucketNow: { uncovered: [{ id: '100', state: 'stale' }] },
      lastChecks: [{ site: 'hq', uncovered: [{ id: '100' }, { id: '103', state: 'never' }] }],
    })
  })

  it('says that a last check can not be read', async () => {
    const { bucket, store, connect } = await scene()
    await bucket.run(MADE, [web])
    await store.writeText(lastCoverageKey('', 'hq'), '{"version":')
    const { ask } = await connect()
    expect(JSON.stringify((await ask('list_uncovered')).told)).toContain("(coverage/hq.json) can't be read")
    expect(JSON.stringify((await ask('is_guest_safe', { guest: '100' })).told)).toContain(
      "(coverage/hq.json) can't be read",
    )
  })

  it('prices a restore, and names the commands without running any', async () => {
    const { bucket, connect } = await scene()
    await bucket.run(MADE, [web])
    const { ask } = await connect()
    const { told } = await ask('restore_cost', { guest: '100', destination: 'same-region' })
    expect(told).toMatchObject({ restorable: true, price: { sizeBytes: 1000, ways: [{ destination: 'same-region' }] } })
    expect((await ask('restore_cost', { guest: '999' })).told).toMatchObject({ restorable: false })
  })

  it('lists archives up to a limit, and says how many more there are', async () => {
    const { bucket, connect } = await scene()
    for (const day of ['01', '02']) await bucket.run(`2026-07-${day}T02:00:00.000Z`, [web, { id: '101' }])
    const { ask } = await connect()
    expect((await ask('list_archives', { limit: 1 })).told).toMatchObject({ count: 4, notShown: 3 })
    expect((await ask('show_guest', { guest: '101' })).told).toMatchObject({
      count: 2,
      archives: [{ createdAt: MADE }, {}],
    })
    expect((await ask('list_archives', { since: MADE })).told).toMatchObject({ count: 2 })
  })

  it('shows the latest runs first, and one without a report as no success', async () => {
    const { bucket, connect } = await scene()
    await bucket.run('2026-07-01T02:00:00.000Z', [web, { id: '101', outcome: 'failed', reason: 'It broke off.' }])
    await bucket.run(MADE, [web], { reported: false })
    const { ask } = await connect()
    expect((await ask('latest_runs')).told).toMatchObject({
      runs: [
        { folder: 'runs/2026/07/02/run-2026-07-02/', outcome: 'no report: it is under way, or it died' },
        { runId: 'run-2026-07-01', notArchived: [{ id: '101', reason: 'It broke off.' }] },
      ],
    })
  })
})

describe('guestlift mcp', () => {
  let directory: string
  let server: S3Server
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'guestlift-mcp-'))
    const keys = { accessKeyId: 'key', secretAccessKey: 'secret' }
    server = await startS3({ directory, ...keys, buckets: ['archives'] })
    const client = createS3Client({ endpoint: server.url, region: 'us-east-1', credentials: keys })
    const store = new S3ArchiveStore(client, 'archives', { sleep: async () => undefined, random: () => 0 })
    await new AuditedBucket(store).run(MADE, [web])
  })
  afterAll(async () => {
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })

  const open = async (...words: string[]) => {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [
        fileURLToPath(new URL('../../../../bin/guestlift.ts', import.meta.url)),
        'mcp',
        '--s3',
        server.url,
        ...words,
      ],
      env: {
        PATH: process.env['PATH'] ?? '',
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'secret',
        HOME: directory,
      },
      stderr: 'ignore',
    })
    const client = new Client({ name: 'test', version: '0' })
    await client.connect(transport)
    opened.push(client)
    return client
  }

  it('answers over its standard input and output', async () => {
    const client = await open('--bucket', 'archives')
    const answer = await client.callTool({ name: 'is_guest_safe', arguments: { guest: 'hq/vm-100' } })
    expect(answer.structuredContent).toMatchObject({ verdict: 'stale', evidence: { newestArchive: { name: 'web' } } })
  })

  it('tells of a bucket that is not there as an error', async () => {
    const client = await open('--bucket', 'no-such-bucket')
    const answer = await client.callTool({ name: 'list_uncovered', arguments: {} })
    expect(answer.isError).toBe(true)
    expect(JSON.stringify(answer.content)).toContain('no-such-bucket')
  })
})
