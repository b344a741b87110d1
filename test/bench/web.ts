/**
 * The file server of the benchmark, a process of its own: GET and HEAD with Range over TLS. To those who read from S3 it
 * is the store, whatever the bucket. Prints its port.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { fastTls } from './tls.ts'

const [folder = '', keyFile = '', certificateFile = ''] = process.argv.slice(2)

const server = createServer(
  { key: readFileSync(keyFile), cert: readFileSync(certificateFile), ...fastTls },
  (request, response) => {
    const path = join(folder, basename(decodeURIComponent(new URL(request.url ?? '/', 'https://web').pathname)))
    const file = statSync(path, { throwIfNoEntry: false })
    if (file?.isFile() !== true) return response.writeHead(404).end()
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const start = Number(asked?.[1] ?? 0)
    const end = Math.min(file.size - 1, asked?.[2] ? Number(asked[2]) : file.size - 1)
    response.writeHead(asked === null ? 200 : 206, {
      'accept-ranges': 'bytes',
      'content-length': end - start + 1,
      'content-type': 'application/octet-stream',
      etag: `"${file.mtimeMs.toString(16)}-${file.size.toString(16)}"`,
      'last-modified': file.mtime.toUTCString(),
      ...(asked === null ? {} : { 'content-range': `bytes ${start}-${end}/${file.size}` }),
    })
    if (request.method === 'HEAD') return response.end()
    const bytes = createReadStream(path, { start, end, highWaterMark: 2 ** 20 })
    return bytes.pipe(response).on('close', () => bytes.destroy())
  },
)
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
