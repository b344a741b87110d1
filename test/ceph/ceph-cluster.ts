/** Ceph as Debian has it, on loopback: one monitor, one store in memory, one gateway that speaks S3. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin']
const START_MILLISECONDS = 120_000

/** Programs of Ceph that aren't there. Debian: `apt-get install --no-install-recommends ceph-mon ceph-osd radosgw`. */
export const missingPrograms = PROGRAMS.filter((name) => !existsSync(`/usr/bin/${name}`))

export interface CephCluster {
  url: string
  accessKeyId: string
  secretAccessKey: string
  /** `ceph version 16.2.15 …` */
  version: string
  close(): Promise<void>
}

/** Takes some twelve seconds, most of which the gateway makes its pools. */
export async function startCeph(): Promise<CephCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'guestlift-ceph-'))
  const children: ChildProcess[] = []
  const close = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    return { ...(await start(folder, children)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(folder: string, children: ChildProcess[]): Promise<Omit<CephCluster, 'close'>> {
  const [monitor = 0, older = 0, gateway = 0] = await freePorts(3)
  const monitors = `[v2:127.0.0.1:${monitor},v1:127.0.0.1:${older}]`
  const cluster = randomUUID()
  for (const name of ['mon', 'osd', 'rgw']) await mkdir(join(folder, name))
  writeFileSync(join(folder, 'keyring'), '')
  writeFileSync(join(folder, 'ceph.conf'), configuration(folder, cluster, monitors, gateway))
  const config = ['-c', join(folder, 'ceph.conf')]
  const daemon = (program: string, ...args: string[]): void => {
    const log = openSync(join(folder, `${program}.out`), 'a')
    const child = spawn(program, [...config, ...args, '-f'], { stdio: ['ignore', log, log] })
    children.push(child)
  }
  const map = join(folder, 'monmap')
  await run('monmaptool', ['--create', '--fsid', cluster, '--addv', 'a', monitors, map])
  await run('ceph-mon', [...config, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', join(folder, 'keyring')])
  daemon('ceph-mon', '-i', 'a', '--setuser', 'root', '--setgroup', 'root')
  await until('the monitor', folder, () => run('ceph', [...config, '-s'], { timeout: 5_000 }))
  const osd = randomUUID()
  await run('ceph', [...config, 'osd', 'new', osd])
  await run('ceph-osd', [...config, '-i', '0', '--mkfs', '--osd-uuid', osd])
  daemon('ceph-osd', '-i', '0')
  daemon('radosgw', '-n', 'client.rgw')
  const url = `http://127.0.0.1:${gateway}`
  await until('the gateway', folder, () => fetch(url))
  const key = { accessKeyId: 'test', secretAccessKey: 'test-secret' }
  const names = [
    '--uid=test',
    '--display-name=test',
    `--access-key=${key.accessKeyId}`,
    `--secret=${key.secretAccessKey}`,
  ]
  await run('radosgw-admin', [...config, 'user', 'create', ...names])
  return { url, ...key, version: (await run('ceph', ['--version'])).stdout.trim() }
}

async function until(what: string, folder: string, isUp: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + START_MILLISECONDS
  for (;;) {
    try {
      await isUp()
      return
    } catch (error) {
      if (performance.now() > deadline) {
        const said = existsSync(join(folder, 'radosgw.out')) ? readFileSync(join(folder, 'radosgw.out'), 'utf8') : ''
        throw new Error(`${what} of Ceph did not come up: ${said.slice(-2_000)}`, { cause: error })
      }
      await delay(100)
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function configuration(folder: string, cluster: string, monitors: string, gateway: number): string {
  return `[global]
fsid = ${cluster}
mon host = ${monitors}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
# Nobody but this test is on loopback. Without keys, connections can't be encrypted, and 16 insists unless told.
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms client mode = crc
ms cluster mode = crc
ms service mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 2147483648
mon data = ${folder}/mon
osd data = ${folder}/osd
run dir = ${folder}
admin socket = ${folder}/$name.asok
log file = ${folder}/$name.log
pid file = ${folder}/$name.pid
keyring = ${folder}/keyring
[mon.a]
host = localhost
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:${gateway}
rgw data = ${folder}/rgw
`
}
