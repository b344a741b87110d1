/** A bucket that is laid out in files before the embedded S3 starts, and commands that are measured against it. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bucketPaths, keyRecordPath } from '../../local/s3/store/layout.ts'
import type { KeyRecord } from '../../local/s3/store/records.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BUCKET = 'archives'
/** Of Linux, whatever the kernel's own clock does (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100

export class PlacedBucket {
  readonly #directory: string
  readonly #made = new Set<string>()
  readonly #lastModified = new Date().toISOString()

  /** @param directory where the bucket is made */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** Put an object where the embedded S3 finds it when it starts: 200,000 PUTs would measure its disk, not us. */
  place(key: string, text: string | undefined, sizeBytes = Buffer.byteLength(text ?? '')): void {
    const paths = bucketPaths(this.#directory, BUCKET)
    const record: KeyRecord = {
      key,
      versions: [
        {
          versionId: 'null',
          lastModified: this.#lastModified,
          sizeBytes,
          etag: createHash('md5')
            .update(text ?? key)
            .digest('hex'),
          bodyId: createHash('md5').update(key).digest('hex'),
          place: 'key',
          headers: [],
          metadata: [],
          tags: [],
          storageClass: 'STANDARD',
          encryption: { algorithm: 'AES256' },
        },
      ],
    }
    this.#write(keyRecordPath(paths, key), JSON.stringify(record))
    if (text !== undefined) this.#write(join(paths.objects, key), text)
  }

  #write(path: string, text: string): void {
    const folder = dirname(path)
    if (!this.#made.has(folder)) mkdirSync(folder, { recursive: true })
    this.#made.add(folder)
    writeFileSync(path, text)
  }
}

export async function startServer(directory: string): Promise<{ url: string; stop: () => void }> {
  const words = ['--dir', directory, '--access-key', 'key', '--secret-key', 'secret', '--bucket', BUCKET]
  const child = spawn(process.execPath, [join(root, 'local/s3/main.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line]: unknown[] = await once(createInterface(child.stdout), 'line')
  const { url } = JSON.parse(String(line)) as { url: string }
  return { url, stop: () => child.kill('SIGTERM') }
}

/** Run a command to its end and print what it took. */
export async function measure(url: string, heapMiB: number, words: readonly string[]): Promise<void> {
  const started = performance.now()
  const flags = [`--max-old-space-size=${heapMiB}`, join(root, 'bin/guestlift.ts')]
  const child = spawn(process.execPath, [...flags, ...words, '--bucket', BUCKET, '--s3', url], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' },
  })
  let peakKiB = 0
  let cpuTicks = 0
  const watch = setInterval(() => {
    try {
      const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      peakKiB = Math.max(peakKiB, Number(kib))
      // Fields 14 and 15 of proc(5): in user and in kernel mode. The name before them may hold spaces.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
      cpuTicks = Number(fields[11]) + Number(fields[12])
    } catch {
      // It has just ended.
    }
  }, 100)
  let tail = ''
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    tail = (tail + chunk.toString()).slice(-400)
  })
  child.stderr.on('data', (chunk: Buffer) => (tail += chunk.toString()))
  const [code]: unknown[] = await once(child, 'close')
  clearInterval(watch)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const memory = `peak ${(peakKiB / 1024).toFixed(0)} MiB`
  const cpu = `${(cpuTicks / TICKS_PER_SECOND).toFixed(1)} s of CPU`
  console.log(`\n${words.join(' ')}: exit ${String(code)}, ${seconds} s, ${cpu}, ${memory}, ${bytes} bytes of output`)
  for (const line of tail.trimEnd().split('\n').slice(-3)) console.log(`  ${line}`)
}
