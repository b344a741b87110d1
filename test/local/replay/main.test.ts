import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

const directory = mkdtempSync(join(tmpdir(), 'guestlift-replay-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const lineSchema = z.strictObject({
  file: z.string(),
  exchange: z.int().nullable(),
  request: z.string().nullable(),
  status: z.int().nullable(),
  outcome: z.enum(['ok', 'retry', 'skip-guest', 'fail-guest', 'fail-run', 'not-ours']),
  error: z.string().nullable(),
  message: z.string(),
})

function run(...parameters: string[]) {
  const main = fileURLToPath(new URL('../../../local/replay/main.ts', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...parameters], { encoding: 'utf8' })
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => lineSchema.parse(JSON.parse(line)))
  return { status, lines, stderr }
}

const version = {
  request: {
    line: 'GET /api2/json/version HTTP/1.1',
    method: 'GET',
    path: '/api2/json/version',
    headers: [],
    body: null,
  },
  response: {
    statusLine: 'HTTP/1.1 200 OK',
    status: 200,
    reason: 'OK',
    headers: [['Content-Type', 'application/json']],
    body: '{"data":{"version":"9.2.11"}}',
    connectionAfter: 'closed by server',
  },
}

describe('the replay command', () => {
  it('prints a line for each exchange, and ends in 1 after transcripts that are malformed', () => {
    writeFileSync(join(directory, 'any name.json'), JSON.stringify({ exchanges: [version, { request: 1 }, version] }))
    writeFileSync(join(directory, 'broken.json'), '{"exchanges": [')
    writeFileSync(join(directory, 'empty.json'), '{}')
    writeFileSync(join(directory, 'INDEX.md'), '# not a transcript')
    const { status, lines } = run(directory)
    expect(status).toBe(1)
    expect(lines.map(({ file, exchange, outcome, error }) => [file, exchange, outcome, error])).toEqual([
      ['any name.json', 0, 'ok', null],
      ['any name.json', 1, 'fail-run', 'MalformedTranscript'],
      ['any name.json', 2, 'ok', null],
      ['broken.json', null, 'fail-run', 'MalformedTranscript'],
      ['empty.json', null, 'fail-run', 'MalformedTranscript'],
    ])
  })

  it.each([[[]], [['/no/such/directory']]])('with %j says what is wrong and ends in 2', (parameters) => {
    const { status, lines, stderr } = run(...parameters)
    expect({ status, lines }).toEqual({ status: 2, lines: [] })
    expect(stderr).not.toBe('')
  })
})
