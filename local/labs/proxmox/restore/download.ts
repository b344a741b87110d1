/**
 * A node fetches a file from an address, as `download-url` orders it. Wording: pve-common 9.2.1 and GNU Wget 1.25, whose
 * output is the task's log: the whole address stands in it.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { dateFile, importDirectory, usage } from '../storage-files.ts'
import type { Worker } from '../tasks.ts'
import type { LabStorage, World } from '../world.ts'
import { NotQcow2, openQcow2 } from './qcow2-disk.ts'

export interface Download {
  world: World
  worker: Worker
  storage: LabStorage
  node: string
  fileName: string
  url: string
  checksum?: { algorithm: string; value: string }
}

/** How wget ends, by its exit code. */
class WgetFailed extends Error {
  readonly code: number
  constructor(code: number) {
    super(`exit code ${code}`)
    this.code = code
  }
}

/** The whole worker. @throws Error with the text of the closing line */
export async function downloadFile(call: Download): Promise<void> {
  const { world, worker, storage, node, fileName, url, checksum } = call
  const path = `${importDirectory(world, storage, node)}/${fileName}`
  const nodePath = `${storage.path}/import/${fileName}`
  worker.log(`downloading ${url} to ${nodePath}`)
  if (existsSync(path)) {
    if (checksum === undefined) throw new Error(`refusing to override existing file '${nodePath}'`)
    worker.log('calculating checksum of existing file...')
    const got = await sumOf(path, checksum.algorithm)
    if (got !== checksum.value.toLowerCase()) throw new Error(`refusing to override existing file '${nodePath}'`)
    worker.log('OK, got correct file already, no need to download')
    return
  }
  const temporary = `${path}.tmp_dwnl.${worker.task.pid}`
  try {
    await fetchTo(call, temporary, `${nodePath}.tmp_dwnl.${worker.task.pid}`)
    if (checksum !== undefined) {
      const got = await sumOf(temporary, checksum.algorithm)
      if (got !== checksum.value.toLowerCase()) {
        worker.log('calculating checksum...')
        throw new Error(`checksum mismatch: got '${got}' != expect '${checksum.value}'`)
      }
      worker.log('calculating checksum...OK, checksum verified')
    }
    if (fileName.endsWith('.qcow2')) requireImage(temporary)
    renameSync(temporary, path)
    dateFile(world, path)
  } finally {
    if (!worker.killed) rmSync(temporary, { force: true })
  }
  worker.log(`download of '${url}' to '${nodePath}' finished`)
}

async function fetchTo(call: Download, path: string, nodePath: string): Promise<void> {
  const { world, worker, storage, node, url } = call
  const stamp = new Date(world.now()).toISOString().slice(0, 19).replace('T', ' ')
  worker.log(`--${stamp}--  ${url}`)
  try {
    const answer = await request(url, worker)
    const { statusCode = 0, statusMessage = '' } = answer
    worker.log(`HTTP request sent, awaiting response... ${statusCode} ${statusMessage}`)
    if (statusCode !== 200) {
      answer.resume()
      worker.log(`${stamp} ERROR ${statusCode}: ${statusMessage}.`)
      throw new WgetFailed(8)
    }
    worker.log(`Length: ${answer.headers['content-length'] ?? 'unspecified'} [${answer.headers['content-type'] ?? ''}]`)
    worker.log(`Saving to: '${nodePath}'`)
    await save(answer, path, usage(world, storage, node).avail, () => {
      worker.log(`${nodePath}: No space left on device`)
      worker.log('')
      worker.log(`Cannot write to '${nodePath}' (No space left on device).`)
    })
    await world.pace.sleep(world.secondsPerDump, worker.signal)
    if (worker.signal.aborted) throw new Error('got interrupted by signal')
  } catch (error) {
    if (!(error instanceof WgetFailed)) throw error
    throw new Error(
      `download failed: command '/usr/bin/wget --progress=dot:giga -O ${nodePath} ${url}' failed: ${error.message}`,
      { cause: error },
    )
  }
}

async function request(url: string, worker: Worker): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const get = url.startsWith('https:') ? getHttps : getHttp
  const sent = get(url, { signal: worker.signal, agent: false }, resolve).on('error', reject)
  try {
    return await promise
  } catch (error) {
    sent.destroy()
    if (worker.signal.aborted) throw new Error('got interrupted by signal', { cause: error })
    worker.log(`Connecting to ${new URL(url).host}... failed: Connection refused.`)
    throw new WgetFailed(4)
  }
}

async function save(answer: IncomingMessage, path: string, room: number, onFull: () => void): Promise<void> {
  const file = createWriteStream(path)
  let written = 0
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      written += chunk.length
      if (written > room) {
        onFull()
        throw new WgetFailed(3)
      }
      if (!file.write(chunk)) await new Promise<void>((resolve) => file.once('drain', () => resolve()))
    }
  } catch (error) {
    throw error instanceof WgetFailed ? error : new WgetFailed(4)
  } finally {
    await new Promise<void>((resolve) => file.end(() => resolve()))
  }
}

async function sumOf(path: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

/** What comes for import is looked at before it gets its name. */
function requireImage(path: string): void {
  try {
    openQcow2(path).close()
  } catch (error) {
    if (!(error instanceof NotQcow2)) throw error
    throw new Error(`failed to query file information with qemu-img: ${error.message}`, { cause: error })
  }
}
