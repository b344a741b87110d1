import type { SftpClient } from '../../ssh/sftp/sftp-client.ts'
import type { SftpSession } from '../../ssh/sftp/sftp-session.ts'

/** A channel, and the file that is written as that channel has it open. */
export interface Lane {
  sftp: SftpClient
  handle: Buffer
}

/**
 * The channels over which one file is written: as many as the line's length asks for, and as many as the server gives.
 * Opened once, when they are first asked for.
 */
export class Lanes {
  readonly #session: SftpSession
  readonly #open: (sftp: SftpClient) => Promise<Buffer>
  #first: Promise<Lane> | undefined
  #all: Promise<[Lane, ...Lane[]]> | undefined

  /** @param open opens the file on a channel */
  constructor(session: SftpSession, open: (sftp: SftpClient) => Promise<Buffer>) {
    this.#session = session
    this.#open = open
  }

  /** The session's own channel. */
  first(): Promise<Lane> {
    this.#first ??= this.#lane(this.#session.sftp).catch((error: unknown) => {
      this.#first = undefined
      throw error
    })
    return this.#first
  }

  all(): Promise<[Lane, ...Lane[]]> {
    this.#all ??= this.#openAll().catch((error: unknown) => {
      this.#all = undefined
      throw error
    })
    return this.#all
  }

  async #openAll(): Promise<[Lane, ...Lane[]]> {
    // It makes the file, where there is none; the others find it.
    const first = await this.first()
    const further = Array.from({ length: this.#session.channelsToFill - 1 }, async () => {
      const sftp = await this.#session.another()
      return sftp === undefined ? undefined : this.#lane(sftp)
    })
    const opened = await Promise.all(further)
    return [first, ...opened.filter((lane) => lane !== undefined)]
  }

  async #lane(sftp: SftpClient): Promise<Lane> {
    return { sftp, handle: await this.#open(sftp) }
  }
}
