import type { DoneListener, FaultSubject } from '../../../local/s3/faults.ts'

/** What S3 was asked to take and what it took, part by part. */
export class PartLedger {
  readonly #taken = new Map<string, { times: number; sizeBytes: number }>()
  #asked = 0
  readonly #uploads = new Set<string>()

  asked({ operation }: Pick<FaultSubject, 'operation'>): void {
    if (operation === 'UploadPart') this.#asked++
  }

  readonly done: DoneListener = ({ operation, uploadId, partNumber, sizeBytes }) => {
    if (operation !== 'UploadPart' || uploadId === undefined) return
    const id = `${uploadId} ${partNumber}`
    this.#taken.set(id, { times: (this.#taken.get(id)?.times ?? 0) + 1, sizeBytes })
    this.#uploads.add(uploadId)
  }

  /** Times that S3 took a part that the same upload had already. */
  get partsTwice(): number {
    return [...this.#taken.values()].reduce((sum, { times }) => sum + times - 1, 0)
  }

  get bytesTwice(): number {
    return [...this.#taken.values()].reduce((sum, { times, sizeBytes }) => sum + (times - 1) * sizeBytes, 0)
  }

  /** Parts that S3 took, each counted once. */
  get parts(): number {
    return this.#taken.size
  }

  /** Requests with a part that S3 didn't take: refused, damaged, or cut off. */
  get refused(): number {
    return this.#asked - [...this.#taken.values()].reduce((sum, { times }) => sum + times, 0)
  }

  get uploads(): number {
    return this.#uploads.size
  }
}
