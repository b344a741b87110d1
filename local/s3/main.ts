/** `npm run s3`: the embedded S3 on its own. Prints one JSON line when it is ready and runs until it is told to stop. */
import { Command, InvalidArgumentError } from 'commander'
import { isBucketName } from './operations/buckets.ts'
import { judgementText } from '../iam/guard.ts'
import { isLack, type Lack, LACKS } from './lacks.ts'
import { startS3 } from './server.ts'

interface Arguments {
  port: number
  dir: string
  accessKey: string
  secretKey: string
  region?: string
  bucket: string[]
  lacks: Lack[]
}

const command = new Command('npm run s3 --')
  .description('A small, strict S3 server on 127.0.0.1. Objects are plain files below <dir>/<bucket>.')
  .requiredOption('--dir <dir>', 'where objects are kept; created when missing')
  .requiredOption('--access-key <k>', 'access key id that clients sign with')
  .requiredOption('--secret-key <s>', 'secret access key')
  .option('--port <n>', 'port on 127.0.0.1; 0 takes any free one', parsePort, 0)
  .option('--region <name>', 'refuse requests signed for another region (default: any region will do)')
  .option('--bucket <name>', 'create this bucket when missing; may be given several times', collectBucket, [])
  .option(
    '--lacks <what>',
    `behave as a store that lacks this, may be given several times: ${Object.keys(LACKS).join(', ')}`,
    collectLack,
    [],
  )
  .addHelpText(
    'after',
    `
When ready, one line of JSON goes to standard output: {"url":…,"accessKeyId":…,"directory":…}.
SIGTERM or SIGINT stops it; everything that was acknowledged is on the disk.

  AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=s aws --endpoint-url <url> s3 ls
`,
  )

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port < 0 || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

function collectBucket(name: string, before: string[]): string[] {
  if (!isBucketName(name)) {
    throw new InvalidArgumentError('Bucket names have 3 to 63 lower-case letters, digits, dots and hyphens.')
  }
  return [...before, name]
}

function collectLack(word: string, before: Lack[]): Lack[] {
  if (!isLack(word)) throw new InvalidArgumentError(`A store can lack ${Object.keys(LACKS).join(', ')}.`)
  return [...before, word]
}

async function main(): Promise<void> {
  const given = command.parse().opts<Arguments>()
  const server = await startS3({
    directory: given.dir,
    accessKeyId: given.accessKey,
    secretAccessKey: given.secretKey,
    port: given.port,
    buckets: given.bucket,
    lacks: given.lacks,
    onJudgement: (judgement) => {
      if (!judgement.allowed) console.error(`Refused, as S3 would: ${judgementText(judgement)}`)
    },
    ...(given.region === undefined ? {} : { region: given.region }),
  })
  const stop = (): void => void server.close().then(() => process.exit(0))
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  // Last: anyone who reads this line may stop the server at once.
  console.log(JSON.stringify({ url: server.url, accessKeyId: given.accessKey, directory: given.dir }))
}

/** What a person can do about it, where we know. */
function explain(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const { port, dir } = command.opts<Arguments>()
  if (code === 'EADDRINUSE')
    return `Port ${port} on 127.0.0.1 is in use. Choose another with --port, or --port 0 for any free one.`
  if (code === 'EACCES' && cause instanceof Error && 'syscall' in cause && cause.syscall === 'listen') {
    return `Port ${port} needs privileges. Choose one above 1023 with --port.`
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR' || code === 'EEXIST') {
    return `The directory ${dir} can't be written (${code}). Choose another with --dir, or change its owner or mode.`
  }
  return `The embedded S3 could not start: ${cause instanceof Error ? cause.message : String(cause)}`
}

try {
  await main()
} catch (cause) {
  console.error(explain(cause))
  process.exitCode = 1
}
