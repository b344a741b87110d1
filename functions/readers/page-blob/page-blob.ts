/** Disks of Azure: page blobs of restore points and snapshots, of which only the written pages are read. */
import { setTimeout as delay } from 'node:timers/promises'
import { Arm } from '../../azure-api/arm.ts'
import type { AzureDeps } from '../../azure-api/azure-line.ts'
import { AzureRefusal, NoAzureAnswer, openAzureLine } from '../../azure-api/azure-line.ts'
import { beginAccess } from '../../azure-api/disk-address.ts'
import { BlobRefusal, blobFact, pageBlobAt } from '../../azure-api/open-page-blob.ts'
import { writtenPages } from '../../azure-api/page-list.ts'
import { type AzureAccess, type PageBlobLocation, pageBlobLocationSchema } from '../../contracts/azure-access.ts'
import type { AllocationMap } from '../../contracts/disk-archive.ts'
import { ConnectionDropped, GuestNotFound, ShortRead, SourceChanged, SourceUnreadable } from '../../contracts/errors.ts'
import { AllocationMapBuilder, type Extent } from '../../domain/encoding/allocation-map.ts'
import type { FileVersion } from '../../http-file/answers.ts'
import type { FileServerSettings, HttpsFile } from '../../http-file/https-file.ts'
import type { Line } from '../../http/api-line.ts'
import type { Reader, Route } from '../reader.ts'
import { unreadableType } from '../site-file.ts'

/** Of the map: the least that an archive of a disk takes. What leaves Azure is paid for by the byte. */
const BLOCK_BYTES = 128 * 1024
/** Long lists of a fragmented disk time out (Storage API, "Get Page Ranges"). */
const WINDOW_BYTES = 4 * 2 ** 30
const WINDOWS_AT_A_TIME = 4
/** Waits of 1, 2, 4 … 30 s for storage that is busy. */
const BUSY_TRIES = 8
const LONGEST_WAIT_MILLISECONDS = 30_000

const realDeps: AzureDeps = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
}

/** A token and an address of its own for each reader. Neither is kept, and the address is not given back: others read by it. */
export function openPageBlobRoute(
  site: string,
  access: AzureAccess,
  deps: AzureDeps = realDeps,
  settings?: FileServerSettings,
): Route {
  return {
    endOf: (node) => node,
    check: async () => undefined,
    open: async (source) => {
      const read = pageBlobLocationSchema.safeParse(source)
      if (!read.success) throw unreadableType(site, source)
      const blob = new PageBlob(site, access, read.data, deps, settings)
      try {
        return await blob.open()
      } catch (error) {
        await blob.close()
        throw error
      }
    },
  }
}

class PageBlob {
  readonly #site: string
  readonly #access: AzureAccess
  readonly #location: PageBlobLocation
  readonly #deps: AzureDeps
  readonly #settings: FileServerSettings | undefined
  readonly #arm: Arm
  readonly #what: string
  /** Of every address there was. */
  readonly #opened: { file: HttpsFile; line: Line }[] = []
  #current: Promise<{ address: URL; file: HttpsFile; line: Line }> | undefined

  constructor(
    site: string,
    access: AzureAccess,
    location: PageBlobLocation,
    deps: AzureDeps,
    settings: FileServerSettings | undefined,
  ) {
    this.#site = site
    this.#access = access
    this.#location = location
    this.#deps = deps
    this.#settings = settings
    this.#arm = new Arm(site, access, deps)
    this.#what = `Site ${site}, region ${location.node}: disk ${location.disk}`
  }

  async open(): Promise<Reader> {
    const version = await this.#ask(({ file }) => file.stat())
    const { identity } = version
    const { sizeBytes } = this.#location
    if (identity.sizeBytes !== sizeBytes) {
      throw new SourceChanged(
        `${this.#what} has ${identity.sizeBytes} bytes, and it had ${sizeBytes} when it was frozen. Repeat the guest.`,
      )
    }
    return {
      opened: identity,
      stat: async () => (await this.#ask(({ file }) => file.stat())).identity,
      read: (positionBytes, target, signal) => this.#read(positionBytes, target, version, signal),
      allocation: (signal) => this.#allocation(version, signal),
      close: () => this.close(),
    }
  }

  async close(): Promise<void> {
    for (const { file, line } of this.#opened) {
      file.close()
      await line.close()
    }
    await this.#arm.close()
  }

  async #read(positionBytes: number, target: Buffer, version: FileVersion, signal?: AbortSignal): Promise<number> {
    const endBytes = positionBytes + target.length
    const { sizeBytes } = this.#location
    if (endBytes > sizeBytes) {
      throw new ShortRead(`${this.#what} has ${sizeBytes} bytes, and ${endBytes} were to be read.`)
    }
    return this.#ask(({ file }) => file.read(positionBytes, target, version, signal), signal)
  }

  /** In windows, some at a time. What no answer is about is never taken for empty. */
  async #allocation({ entityTag }: FileVersion, signal?: AbortSignal): Promise<AllocationMap> {
    const { sizeBytes } = this.#location
    const builder = new AllocationMapBuilder(sizeBytes, BLOCK_BYTES)
    const windows: Extent[] = []
    for (let from = 0; from < sizeBytes; from += WINDOW_BYTES) {
      windows.push({ from, to: Math.min(sizeBytes, from + WINDOW_BYTES) })
    }
    const blob = { sizeBytes, etag: entityTag?.text }
    const list = async () => {
      for (let window = windows.shift(); window !== undefined; window = windows.shift()) {
        signal?.throwIfAborted()
        const its = window
        builder.add(its, await this.#ask(({ line, address }) => writtenPages(line, address, its, blob), signal))
      }
    }
    await Promise.all(Array.from({ length: WINDOWS_AT_A_TIME }, list))
    return builder.build()
  }

  /** Another address for one that has ended, and patience with storage that is busy. */
  async #ask<Result>(
    work: (by: { address: URL; file: HttpsFile; line: Line }) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const { sleep, random = Math.random } = this.#deps
    let [busy, ended] = [0, false]
    for (;;) {
      const current = this.#current ?? this.#begin()
      try {
        return await work(await current)
      } catch (error) {
        signal?.throwIfAborted()
        if (isOfEndedAddress(error) && !ended) {
          ended = true
          if (this.#current === current) this.#current = undefined
        } else if (isBusy(error) && busy < BUSY_TRIES) {
          const least = Math.min(LONGEST_WAIT_MILLISECONDS, 1000 * 2 ** busy)
          busy += 1
          await sleep(least * (1 + random() / 2), signal)
        } else throw this.#fact(error)
      }
    }
  }

  #begin() {
    const begun = this.#address()
    this.#current = begun
    // The next one asks again.
    begun.catch(() => {
      if (this.#current === begun) this.#current = undefined
    })
    return begun
  }

  /** Of Resource Manager, which has a patience of its own: its answers are not waited for here again. */
  async #address() {
    const { resourceId, format } = this.#location
    const order = { resourceId, seconds: this.#access.sasHours * 3600, format }
    const address = await beginAccess(this.#arm, order, this.#deps.sleep).catch((error: unknown) => {
      throw this.#fact(error)
    })
    const { tls } = this.#access
    const about = `disk ${this.#location.disk}, region ${this.#location.node}, site ${this.#site}`
    const file = pageBlobAt(address, about, { site: this.#site, tls }, this.#settings)
    const opened = { address, file, line: openAzureLine(this.#site, address.origin, tls, this.#deps.limits) }
    this.#opened.push(opened)
    return opened
  }

  #fact(error: unknown): unknown {
    if (error instanceof BlobRefusal) return blobFact(error, this.#what)
    if (error instanceof NoAzureAnswer) {
      return new ConnectionDropped(`${this.#what}: Azure gave no answer (${error.message}).`, { cause: error })
    }
    if (error instanceof AzureRefusal && error.status === 412) {
      return new SourceChanged(`${this.#what}: what was frozen is another state now. Repeat the guest.`, {
        cause: error,
      })
    }
    const fact = this.#arm.fact(
      error,
      `region ${this.#location.node}, disk ${this.#location.disk}`,
      'asking for its address',
    )
    if (fact instanceof GuestNotFound) {
      return new SourceUnreadable(`${fact.message} Someone removed the restore point or snapshot.`, { cause: error })
    }
    return fact
  }
}

function isOfEndedAddress(error: unknown): boolean {
  if (error instanceof BlobRefusal) return error.hasEnded
  return (
    error instanceof AzureRefusal &&
    error.status === 403 &&
    /^(AuthenticationFailed|AuthorizationFailure)$/.test(error.code)
  )
}

function isBusy(error: unknown): boolean {
  if (error instanceof BlobRefusal) return error.isBusy
  return (
    error instanceof NoAzureAnswer || (error instanceof AzureRefusal && (error.status === 429 || error.status >= 500))
  )
}
