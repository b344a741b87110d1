/** A lab of one's own with short ways to call it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lab, type LabOptions, startLab } from '../../../../local/labs/proxmox/lab.ts'
import type { Task } from '../../../../local/labs/proxmox/tasks.ts'
import { exchange, type RawResponse, request } from './raw-http.ts'

export interface TestSite {
  lab: Lab
  directory: string
  call(method: string, path: string, body?: string): Promise<RawResponse>
  /** With a password: the ticket, and calls that use it. */
  loginAs(userid: string): Promise<{ ticket: string; clustername?: string; get(path: string): Promise<RawResponse> }>
  /** POST vzdump; the UPID. */
  start(vmid: number, options?: string): Promise<string>
  /** Start, finish and return the task. */
  backUp(vmid: number, options?: string): Promise<Task>
  dispose(): Promise<void>
}

export const dataOf = (answer: RawResponse): unknown => (JSON.parse(answer.body) as { data: unknown }).data

export async function testSite(options: Partial<LabOptions> = {}): Promise<TestSite> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'lab-'))
  const lab = await startLab({
    secondsPerDump: 0,
    unauthorizedDelaySeconds: 0,
    guestBytes: 1024 ** 2,
    ...options,
    directory,
  })
  const port = Number(new URL(lab.apiUrl).port)
  const headers = { Authorization: `PVEAPIToken=${lab.token.tokenId}=${lab.token.secret}` }
  const call: TestSite['call'] = (method, path, body) =>
    exchange(port, request(method, `/api2/json${path}`, headers, body))
  const start: TestSite['start'] = async (vmid, more = '') => {
    const node = lab.guests.find((guest) => guest.vmid === vmid)?.node ?? 'pve1'
    const answer = await call('POST', `/nodes/${node}/vzdump`, `vmid=${vmid}&storage=nas&remove=0${more}`)
    return String(dataOf(answer))
  }
  const loginAs: TestSite['loginAs'] = async (username) => {
    const password = lab.users.find((user) => user.userid === username)?.password ?? ''
    const form = new URLSearchParams({ username, password }).toString()
    const given = dataOf(await call('POST', '/access/ticket', form)) as { ticket: string; clustername?: string }
    const cookie = { Cookie: `PVEAuthCookie=${encodeURIComponent(given.ticket)}` }
    return { ...given, get: (path) => exchange(port, request('GET', `/api2/json${path}`, cookie)) }
  }
  return {
    lab,
    loginAs,
    directory,
    call,
    start,
    backUp: async (vmid, more) => {
      const task = await lab.control.endOfTask(await start(vmid, more))
      if (task === undefined) throw new Error('the task is gone')
      return task
    },
    dispose: async () => {
      await lab.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
