/**
 * CPU seconds, seconds and memory per GiB for each route, on loopback, beside rclone and a floor: OpenSSH's `ssh cat`
 * plus curl's PUT of the same bytes. All talk to the same OpenSSH server and the same discarding TLS sink; runs alternate
 * so that a noisy minute meets all alike; the servers' own CPU isn't counted.
 */
import { build } from 'esbuild'
import { byteMoverNodeOptions } from '../../lib/node-options.ts'
import { execFileSync, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type OpenSshServer, sshdPath, startOpenSsh } from '../functions/readers/openssh-server.ts'
import { type Measured, measure, perGiB } from './measure.ts'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    mib: { type: 'string', default: '512' },
    runs: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})
if (flags.help) {
  console.log(
    'npm run bench -- [--json] [--mib 512] [--runs 3]\n\n' +
      'Moves --mib MiB from a local OpenSSH server to a local S3-like TLS sink, --runs times each by Guestlift and by\n' +
      'rclone (when installed), and prints medians per GiB. ratioToRclone below 1 means less CPU than rclone.\n' +
      'Needs sshd, ssh and curl (Debian: openssh-server, openssh-client, curl).',
  )
  process.exit(0)
}
const mebibytes = Number(flags.mib)
const runs = Number(flags.runs)
if (!(Number.isInteger(mebibytes) && mebibytes > 0 && Number.isInteger(runs) && runs > 0)) {
  console.error('--mib and --runs are whole numbers above 0')
  process.exit(2)
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const note = (text: string): void => void process.stderr.write(`${text}\n`)

/** First line of a tool's answer, `undefined` when it isn't installed. */
function versionOf(tool: string, flag: string): string | undefined {
  try {
    return execFileSync(tool, [flag], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .split('\n')[0]
  } catch {
    return undefined
  }
}

/** Incompressible bytes, in memory where there is a file system for it: the disk isn't what is measured. */
function makeSource(folder: string): string {
  const path = join(folder, 'vzdump-qemu-100-2026_11_22-02_00_00.vma.zst')
  const file = openSync(path, 'w')
  const block = Buffer.alloc(2 ** 20)
  for (let mebibyte = 0; mebibyte < mebibytes; mebibyte++) writeSync(file, randomFillSync(block))
  closeSync(file)
  return path
}

async function startSink(folder: string): Promise<{ port: number; certificate: string; stop(): void }> {
  const [key, certificate] = [join(folder, 'sink.key'), join(folder, 'sink.crt')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  execFileSync('openssl', [...request, '-keyout', key, '-out', certificate, ...subject], { stdio: 'ignore' })
  const sink = spawn(process.execPath, [here('sink.ts'), key, certificate], { stdio: ['pipe', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve, reject) => {
    sink.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())))
    sink.once('exit', () => reject(new Error('the sink did not start')))
  })
  return { port, certificate, stop: () => sink.stdin.end() }
}

/** What runs on Lambda is a bundle, so a bundle is measured: made as `lib/export-function.ts` makes the functions'. */
async function bundle(folder: string): Promise<string> {
  const outfile = join(folder, 'transfer.js')
  await build({
    entryPoints: [here('transfer.ts')],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    mainFields: ['module', 'main'],
    external: ['cpu-features'],
    loader: { '.node': 'empty' },
  })
  return outfile
}

/** Debian's rclone as people tune it: parts of our size, as many at once as we send. */
function rcloneCommand(folder: string, ssh: OpenSshServer, endpoint: string, source: string): string[] {
  const config = join(folder, 'rclone.conf')
  const from = ['[src]', 'type = sftp', 'host = 127.0.0.1', `port = ${ssh.port}`, `user = ${ssh.username}`]
  const to = ['[dst]', 'type = s3', 'provider = Other', `endpoint = ${endpoint}`, 'access_key_id = bench']
  const login = [`key_file = ${ssh.keyFile}`, `known_hosts_file = ${ssh.knownHostsFile}`, 'shell_type = none']
  const keys = ['secret_access_key = bench', 'region = us-east-1', 'force_path_style = true']
  writeFileSync(config, [...from, ...login, ...to, ...keys, ''].join('\n'))
  const tuning = ['--s3-upload-concurrency', '4', '--s3-chunk-size', '64M', '--s3-no-check-bucket', '--ignore-times']
  const quiet = ['--no-check-certificate', '--retries', '1', '--config', config]
  return ['rclone', 'copyto', `src:${source}`, 'dst:bench/rclone.vma.zst', ...tuning, ...quiet]
}

if (sshdPath === undefined) {
  note('no sshd: install openssh-server to run the benchmark')
  process.exit(1)
}
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'guestlift-bench-'))
const ssh = await startOpenSsh()
const sink = await startSink(folder)
try {
  const source = makeSource(folder)
  const sizeBytes = mebibytes * 2 ** 20
  const endpoint = `https://127.0.0.1:${sink.port}`
  const environment = { NODE_EXTRA_CA_CERTS: sink.certificate, NODE_OPTIONS: byteMoverNodeOptions }
  const configFile = join(folder, 'transfer.json')
  const { port, username, privateKey, fingerprints } = ssh
  const route = { type: 'sftp', host: '127.0.0.1', port, username, privateKey, hostKeys: [fingerprints.ed25519] }
  writeFileSync(configFile, JSON.stringify({ endpoint, route, path: source, sizeBytes }))

  const transfer = [process.execPath, await bundle(folder), configFile]
  const login = ['-i', ssh.keyFile, '-o', `UserKnownHostsFile=${ssh.knownHostsFile}`, '-c', 'aes128-gcm@openssh.com']
  const receive = ['ssh', '-p', String(port), ...login, `${username}@127.0.0.1`, `cat ${source}`]
  const put = ['curl', '-sf', '--cacert', sink.certificate, '-T', source, `${endpoint}/bench/floor`]
  const rcloneVersion = versionOf('rclone', '--version')
  if (rcloneVersion === undefined) note('no rclone: install it to compare')

  const measured = { sftp: [] as Measured[], floor: [] as Measured[], rclone: [] as Measured[] }
  for (let run = 1; run <= runs; run++) {
    note(`run ${run} of ${runs}`)
    const [received, sent] = [await measure(receive), await measure(put)]
    measured.floor.push({
      cpuSeconds: received.cpuSeconds + sent.cpuSeconds,
      seconds: Math.max(received.seconds, sent.seconds),
      peakMiB: Math.max(received.peakMiB, sent.peakMiB),
    })
    if (rcloneVersion !== undefined) {
      measured.rclone.push(await measure(rcloneCommand(folder, ssh, endpoint, source)))
    }
    measured.sftp.push(await measure(transfer, environment))
  }

  const gibibytes = mebibytes / 1024
  const floor = perGiB(measured.floor, gibibytes)
  const sftp = perGiB(measured.sftp, gibibytes)
  const rclone = rcloneVersion === undefined ? null : { ...perGiB(measured.rclone, gibibytes), version: rcloneVersion }
  const ratio = (to: { cpuSecondsPerGiB: number }): number =>
    Math.round((sftp.cpuSecondsPerGiB / to.cpuSecondsPerGiB) * 1000) / 1000
  const report = {
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, node ${process.version}, ${process.platform}-${process.arch}`,
    mebibytes,
    runs,
    floor: { cpuSecondsPerGiB: floor.cpuSecondsPerGiB },
    rclone,
    routes: { sftp: { ...sftp, ratioToRclone: rclone === null ? null : ratio(rclone), ratioToFloor: ratio(floor) } },
  }
  if (flags.json) console.log(JSON.stringify(report))
  else {
    console.log(`${report.machine}; ${mebibytes} MiB, medians of ${runs}\n`)
    console.table({
      'guestlift sftp → s3': { ...sftp, 'CPU ratio': 1 },
      ...(rclone === null
        ? {}
        : { [`${rclone.version} sftp → s3`]: { ...perGiB(measured.rclone, gibibytes), 'CPU ratio': ratio(rclone) } }),
      'floor: ssh cat + curl -T': { ...floor, 'CPU ratio': ratio(floor) },
    })
    console.log('CPU ratio: CPU seconds of guestlift by those of this row; below 1, guestlift needs less.')
  }
} finally {
  sink.stop()
  await ssh.close()
  rmSync(folder, { recursive: true })
}
