/** The S3-like TLS server of the benchmark, a process of its own: takes everything, keeps nothing. Prints its port. */
import { readFileSync } from 'node:fs'
import { startFakeS3 } from '../functions/aws/fake-s3.ts'
import { fastTls } from './tls.ts'

const [keyFile = '', certificateFile = ''] = process.argv.slice(2)
const sink = await startFakeS3({
  tls: { key: readFileSync(keyFile), cert: readFileSync(certificateFile), ...fastTls },
  discard: true,
})
process.stdout.write(`${new URL(sink.url).port}\n`)
process.stdin.resume().on('end', () => process.exit(0))
