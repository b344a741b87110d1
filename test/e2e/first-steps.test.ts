/** From an empty folder to the first archives, as a person goes: init with its doctor, plan and run, in a terminal. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { noticeSchema } from '../../functions/contracts/notice.ts'
import { type Lab, startLab } from '../../local/labs/proxmox/lab.ts'
import { synthesise } from '../../local/run/assembly.ts'
import { type S3Server, startS3 } from '../../local/s3/server.ts'
import { type Answer, guestliftInTerminal, hasTerminal } from '../local/cli/init/pseudo-terminal.ts'

const keys = { accessKeyId: 'first', secretAccessKey: 'first-secret' }

describe.skipIf(!hasTerminal)('the first steps in a terminal', () => {
  let directory: string
  let lab: Lab
  let server: S3Server
  beforeAll(async () => {
    await synthesise(() => undefined)
    directory = await mkdtemp(join(tmpdir(), 'guestlift-first-'))
    await mkdir(join(directory, 'empty'))
    lab = await startLab({ directory: join(directory, 'lab'), guestBytes: 2 ** 20, secondsPerDump: 0 })
    server = await startS3({ directory: join(directory, 's3'), ...keys, buckets: ['archives'] })
    await writeFile(join(directory, 'reader'), lab.ssh.privateKey, { mode: 0o600 })
  })
  afterAll(async () => {
    await lab.close()
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('take fewer than ten typed answers', async () => {
    const hook = await openHook()
    onTestFinished(() => void hook.close())
    const { AWS_PROFILE: _profile, ...inherited } = process.env
    const env = {
      ...(inherited as Record<string, string>),
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    }
    const surroundings = { cwd: join(directory, 'empty'), env }
    const answers: Answer[] = [
      ['Which platform', '\r'],
      ['Name of the site', '\r'],
      ['Address of a node', `${lab.apiUrl}\r`],
      ['the certificate of', 'y'],
      ['Token as', '\r'],
      ["The token's secret", `${lab.token.secret}\r`],
      ['How do the bytes', '\r'],
      ['SSH account that', `${lab.ssh.username}@127.0.0.1:${lab.ssh.port}\r`],
      ['the host key of', 'y'],
      ['File of the private key', '../reader\r'],
      ['How are guests brought back', '\r'],
      ['Storage that receives', '\r'],
      ['Bucket for', 'archives\r'],
      ['Address of S3', `${server.url}\r`],
    ]
    const init = await guestliftInTerminal(['init'], answers, surroundings)
    expect(init.shown).toMatch(/^Nothing stands against a run/m)
    expect(init.code).toBe(0)
    expect(init.typed).toBeLessThan(10)
    expect(init.shown).not.toContain(lab.token.secret)

    // What init says to type next is what is typed.
    const plan = await guestliftInTerminal(nextCommand(init.shown, 'plan'), [], surroundings)
    expect(plan.shown).toMatch(/Would be archived \(4\)/)
    expect(plan.code).toBe(0)
    const run = await guestliftInTerminal([...nextCommand(init.shown, 'run'), '--notify', hook.url], [], surroundings)
    expect(run.shown).toMatch(/4 (of 4 )?guests? archived|4 archived/)
    expect(run.code).toBe(0)
    expect(hook.bodies.map((body) => noticeSchema.parse(JSON.parse(body)))).toMatchObject([
      { event: 'archived', guestCount: 0, report: expect.stringMatching(/^s3:\/\/archives\/runs\/.*\/report\.json$/) },
    ])
  })
})

/** Takes whatever is posted to it. */
async function openHook() {
  const bodies: string[] = []
  const listening = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      bodies.push(body)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  return { bodies, url: `http://127.0.0.1:${port}/hook`, close: () => listening.close() }
}

function nextCommand(shown: string, name: string): string[] {
  const [, words] = new RegExp(`^ *guestlift (${name} .*?)\\s*$`, 'm').exec(shown) ?? []
  if (words === undefined) throw new Error(`Nothing says how to ${name}:\n${shown}`)
  return words.split(' ')
}
