import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Lab } from '../../../../local/labs/proxmox/lab.ts'
import { compareExchange } from './compare.ts'
import { fillFrom, startRecordedSite } from './recorded-site.ts'
import { Replay } from './replay.ts'
import { loadTranscripts, type RecordedExchange, type Transcript } from './transcripts.ts'

const transcripts = loadTranscripts()

/** Scenarios that the lab answers otherwise, each with its reason. */
const EXCEPTIONS: Record<string, string> = {
  'extractconfig-broken-vma': "the recorded machine had no vma program; the lab names the archive's own fault",
  'vzdump-bad-mailto': "the recorded machine's notifications were a stub that failed",
  'upload-iso-ok': 'the lab keeps no uploads of images',
  'get-node-syslog-denied': 'disks of a node are no part of the lab',
}

/** The task that several recordings look at while it runs. */
const LONG_TASK = 'UPID:pve1:00003B27:00044513:6B032924:vzdump:101:backup@pve!client:'
const HOOK = { path: '/usr/local/sbin/vzdump-hook', echo: true, exitCodes: {} }

describe.skipIf(transcripts.length === 0)('the lab beside recordings of a real server', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-transcripts-'))
  let lab: Lab
  let replay: Replay
  const agreed: string[] = []

  beforeAll(async () => {
    lab = await startRecordedSite(directory, transcripts)
    replay = new Replay(lab)
    await prepareHistory()
  })
  afterAll(async () => {
    console.log(
      `recordings: ${agreed.length} of ${transcripts.length} agree, ${Object.keys(EXCEPTIONS).length} are listed exceptions`,
    )
    await lab.close()
    rmSync(directory, { recursive: true })
  })

  const byName = (scenario: string): Transcript => {
    const found = transcripts.find((each) => each.scenario === scenario)
    if (found === undefined) throw new Error(`no recording ${scenario}`)
    return found
  }

  /** Tasks of several kinds and one good archive under the name that later recordings ask for. */
  async function prepareHistory(): Promise<void> {
    lab.control.setTaskSpeed(Number.POSITIVE_INFINITY)
    for (const name of [
      'vzdump-ok-zstd',
      'vzdump-fail-mixed',
      'content-delete-delay',
      'perm-vm100-vzdump-100-and-101',
    ]) {
      for (const recorded of byName(name).exchanges) {
        if (recorded.request.method === 'GET') continue
        await replay.send(recorded)
        await settle()
      }
    }
    const { control } = lab
    const made = control
      .archives()
      .find((each) => each.file.startsWith('vzdump-lxc-100-') && each.file.endsWith('.tar.zst'))
    expect(made).toBeDefined()
  }

  async function settle(): Promise<void> {
    for (const task of lab.control.tasks()) await lab.control.endOfTask(task.upid)
  }

  /** What the recorded machine was like when a scenario began. */
  async function prepare(scenario: string): Promise<void> {
    const { control } = lab
    lab.faults.clear()
    control.setTaskSpeed(0)
    control.setDaemonRunning(true)
    control.guest(200, { status: 'stopped', options: {} })
    control.guest(100, { status: 'stopped' })
    control.guest(101, { dataBytes: 4 * 1024 ** 2 })
    control.storage('tiny', { foreignBytes: 0 })
    control.hook(undefined)
    control.setBackupJobs([])
    fillFrom(lab, transcripts, 'get-content-prune-odd-names', ['prune', 'pruned'])
    if (/^(get-content|content|perm-vm100-content|extractconfig|login)/.test(scenario)) {
      fillFrom(lab, transcripts, 'get-content-store-backup', ['store'])
    }
    if (scenario === 'extractconfig-ok' || scenario === 'restore-lxc-ok') await makeRealArchive()
    // Restored by one recording, destroyed by another.
    if (lab.guests.some(({ vmid }) => vmid === 150)) control.removeGuest(150)
    if (scenario === 'lxc-delete') control.addGuest({ vmid: 150, kind: 'lxc', name: 'web', status: 'stopped' })
    if (/^login-then|after-everything$/.test(scenario)) control.guest(200, { status: 'running' })
    if (scenario === 'vzdump-running-status-and-log-paging') {
      for (const each of control.archives()) if (each.file.includes('-101-')) control.removeArchive(each.file)
    }
    if (scenario.startsWith('vzdump-qemu'))
      control.guest(200, { status: 'running', options: { agent: '1,freeze-fs-on-backup=0' } })
    if (scenario.startsWith('vzdump-qemu-fail')) lab.faults.onBackup(200, { kind: 'read-error', percent: 29 })
    if (scenario === 'vzdump-fail-qemu') control.guest(200, { startError: "bridge 'vmbr0' does not exist" })
    if (/nospace/.test(scenario)) control.guest(101, { dataBytes: 20 * 1024 ** 2, compressible: 0 })
    if (scenario === 'vzdump-fail-nospace-completely') control.fillStorage('tiny')
    if (scenario.startsWith('vzdump-warnings')) control.hook({ ...HOOK, exitCodes: { 'log-end': 3 } })
    if (scenario === 'vzdump-fail-hook-job-start') control.hook({ ...HOOK, echo: false, exitCodes: { 'job-start': 5 } })
    if (scenario === 'task-log-still-empty') control.hook({ ...HOOK, echo: false, blockSeconds: { 'job-init': 4 } })
    if (/^task-(index|own|stop-running|upid)/.test(scenario)) await startLongTask()
  }

  async function makeRealArchive(): Promise<void> {
    const wanted = 'vzdump-lxc-100-2026_11_22-17_36_35.tar.zst'
    lab.control.setTaskSpeed(Number.POSITIVE_INFINITY)
    const recorded = byName('vzdump-ok-zstd').exchanges[0]
    if (recorded !== undefined) await replay.send(recorded)
    await settle()
    const newest = lab.control.archives().findLast((each) => /lxc-100-.*\.tar\.zst$/.test(each.file))
    lab.control.renameArchive(newest?.file ?? '', wanted)
  }

  async function startLongTask(): Promise<void> {
    const posted = byName('vzdump-running-status-and-log-paging').exchanges[0]
    if (posted === undefined) return
    const body = posted.request.body.replace('bwlimit=2500', 'bwlimit=3000')
    const answer = await replay.send({ ...posted, request: { ...posted.request, body } })
    const { data } = JSON.parse(answer.body) as { data: string }
    replay.map(LONG_TASK, data)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }

  const stopped = new Set<string>()
  /** Let the work reach the point where the recorded machine was when this exchange took place. */
  async function catchUp(recorded: RecordedExchange): Promise<void> {
    const [, name] = /tasks\/(UPID[^/?]+)/.exec(recorded.request.path) ?? []
    const upid = name === undefined ? undefined : decodeURIComponent(name)
    const own = upid === undefined ? undefined : replay.own(upid)
    if (recorded.request.method === 'DELETE' && own !== undefined) stopped.add(own)
    if (own === undefined || recorded.request.method === 'DELETE') return
    const ended = /"status":"stopped"/.test(recorded.response.body ?? '')
    if (!ended) {
      await new Promise((resolve) => setTimeout(resolve, 150))
      return
    }
    if (!stopped.has(own)) lab.control.setTaskSpeed(Number.POSITIVE_INFINITY)
    await lab.control.endOfTask(own)
  }

  it.each(transcripts.map((each) => [each.scenario, each] as const))('%s', async (scenario, transcript) => {
    if (EXCEPTIONS[scenario] !== undefined) return
    await prepare(scenario)
    const differences: string[] = []
    for (const [index, recorded] of transcript.exchanges.entries()) {
      if (scenario === 'pvedaemon-down') lab.control.setDaemonRunning(index === transcript.exchanges.length - 1)
      if (scenario === 'vzdump-qemu-stopped-by-DELETE' && index === 1) lab.control.advanceTasks(1)
      if (index > 0) await new Promise((resolve) => setTimeout(resolve, 20))
      await catchUp(recorded)
      const answer = await replay.send(recorded, { tamper: scenario === 'auth-ticket-tampered' })
      const found = compareExchange(recorded, answer)
      differences.push(
        ...found.map(
          (difference) => `${index + 1}. ${recorded.request.method} ${recorded.request.path}: ${difference}`,
        ),
      )
    }
    lab.control.setTaskSpeed(Number.POSITIVE_INFINITY)
    await settle()
    expect(differences).toEqual([])
    agreed.push(scenario)
  })

  it('has no exception that is not needed or not recorded', () => {
    const names = new Set(transcripts.map((each) => each.scenario))
    expect(Object.keys(EXCEPTIONS).filter((name) => !names.has(name))).toEqual([])
    expect(agreed.length + Object.keys(EXCEPTIONS).length).toBe(transcripts.length)
  })
})
