/** A request to the lab over HTTP, and what it answers. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Bytes } from '../disks/bytes.ts'

export interface Incoming {
  method: string
  /** Path and query as they came. */
  target: string
  headers: IncomingHttpHeaders
  body: Uint8Array
}

export interface Outgoing {
  status: number
  headers: Record<string, string>
  body: Uint8Array
  /** Bytes of a file, in the place of a body: they may be many. */
  content?: { path: string; bytes: Bytes; from: number; length: number }
  /** Large answers of SOAP come in chunks. */
  chunked?: boolean
}
