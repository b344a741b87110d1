import { describe, expect, it } from 'vitest'
import { barsOf } from './bars.ts'
import type { RestoreDistances } from './restore-distance.ts'
import { nodeCpu, restoreResult } from './restore.ts'

const ran = (cpuSeconds: number, sshd: number, agent: number) => {
  const node = { sshd, agent }
  return { cpuSeconds, seconds: 1, peakMiB: 100, output: '', node }
}
const brought = (cpuSeconds: number, sshd: number, agent: number) => {
  const told = { deliverSeconds: 1, startCpuSeconds: 0.1, partsInFlight: 4, partMiB: 64 }
  return { ...ran(cpuSeconds, sshd, agent), ...told }
}
const archiving = [ran(2, 1, 3), ran(4, 2, 6), ran(2, 1, 3)]

describe('the bench of restores', () => {
  it("tells the node's SSH server from what it runs for us, in old versions of OpenSSH and new ones", () => {
    const old = new Map([
      ['sshd', 2],
      ['perl', 3],
      ['df', 0.5],
    ])
    expect(nodeCpu(old)).toEqual({ sshd: 2, agent: 3.5 })
    const later = new Map([
      ['sshd', 0.5],
      ['sshd-session', 2],
      ['sshd-auth', 0.25],
      ['perl', 3],
    ])
    expect(nodeCpu(later)).toEqual({ sshd: 2.75, agent: 3 })
  })

  it('compares each round with its own archiving, so that a busy one weighs no more than the others', () => {
    const back = [brought(2, 1, 3), brought(4.4, 2, 6), brought(30, 9, 99)]
    const { ratioToArchiving, nodeRatioToArchiving } = restoreResult('pull', { back, archiving }, 1)
    expect({ ratioToArchiving, nodeRatioToArchiving }).toEqual({ ratioToArchiving: 1.1, nodeRatioToArchiving: 1 })
  })

  it('gives figures per GiB, with the route whose mirror the way is', () => {
    const back = [brought(2, 1, 3), brought(2, 1, 3), brought(2, 1, 3)]
    expect(restoreResult('pull', { back, archiving }, 0.5)).toMatchObject({
      cpuSecondsPerGiB: 4,
      node: { sshdCpuSecondsPerGiB: 2, agentCpuSecondsPerGiB: 6 },
      archiving: { route: 'push', cpuSecondsPerGiB: 4 },
    })
  })

  it('holds the process and the node each against archiving', () => {
    const ways = { sftp: restoreResult('sftp', { back: [brought(2.5, 1, 3)], archiving }, 1) }
    expect(barsOf({ restores: { ways } })).toEqual([
      { name: "restore by sftp: CPU by archiving's", value: 1.25, bar: '≤ 1.2', met: false },
      { name: "restore by sftp: the node's CPU by its", value: 1, bar: '≤ 1.2', met: true },
    ])
  })

  it('holds each way at each distance against the link, and the peers against nothing', () => {
    const way = (shareOfLink: number) => ({
      mibPerSecond: 1,
      shareOfLink,
      setupSeconds: 1,
      wholeSeconds: 1,
      peakMiB: 1,
    })
    const distances: RestoreDistances = {
      line: {},
      ways: { 20: { sftp: way(0.85), pull: way(0.9) }, 80: { sftp: way(0.2) } },
      peers: { 20: { rclone: { notMeasured: 'no rclone' } } },
    }
    expect(barsOf({ restoreDistances: distances }).map(({ name, met }) => [name, met])).toEqual([
      ['restore by sftp at 20 ms: share of the link', true],
      ['restore by pull at 20 ms: share of the link', true],
      ['restore by sftp at 80 ms: share of the link', false],
    ])
  })

  it('says why nothing was measured', () => {
    const bars = barsOf({ restores: { notMeasured: 'no sshd' }, restoreDistances: { notMeasured: 'no sshd' } })
    expect(bars.map(({ met, note }) => [met, note])).toEqual([
      [null, 'no sshd'],
      [null, 'no sshd'],
    ])
  })
})
