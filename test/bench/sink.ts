/** The S3-like TLS server of the benchmark, a process of its own: takes everything, keeps nothing. Prints its port. */
import { readFileSync } from 'node:fs'
import { startFakeS3 } from '../functions/aws/fake-s3.ts'

const [keyFile = '', certificateFile = ''] = process.argv.slice(2)
const sink = await startFakeS3({
  tls: {
    key: readFileSync(keyFile),
    cert: readFileSync(certificateFile),
    // The cheaper of the two, for every client alike; Node's own order would take AES-256.
    ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384',
  },
  discard: true,
})
process.stdout.write(`${new URL(sink.url).port}\n`)
// The benchmark ends it by closing its standard input, so that none outlives a benchmark that was killed.
process.stdin.resume().on('end', () => process.exit(0))
