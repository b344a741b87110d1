/** `npm run replay -- <dir>`: one JSON line per recorded exchange, saying what the client makes of it. */
import { openClassifier } from './classify.ts'
import { readRecording, recordingFiles } from './recording.ts'

function print(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function malformed(file: string, exchange: number | null, message: string): void {
  process.exitCode = 1
  print({ file, exchange, request: null, status: null, outcome: 'fail-run', error: 'MalformedTranscript', message })
}

async function replay(directory: string): Promise<void> {
  const files = recordingFiles(directory)
  const classifier = await openClassifier()
  try {
    for (const file of files) {
      const recorded = readRecording(directory, file)
      if ('complaint' in recorded) {
        malformed(file, null, recorded.complaint)
        continue
      }
      const siblings = recorded.flatMap((one) => ('exchange' in one ? [one.exchange] : []))
      for (const [index, one] of recorded.entries()) {
        if ('complaint' in one) {
          malformed(file, index, one.complaint)
          continue
        }
        const { request, response } = one.exchange
        const classified = await classifier.classify(one.exchange, siblings)
        const line = `${request.method} ${request.path}`
        print({ file, exchange: index, request: line, status: response.status ?? null, ...classified })
      }
    }
  } finally {
    await classifier.close()
  }
}

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', () => process.exit())

const [directory, ...others] = process.argv.slice(2)
if (directory === undefined || others.length > 0) {
  process.stderr.write('Usage: npm run replay -- <directory of transcripts>\n')
  process.exitCode = 2
} else {
  try {
    await replay(directory)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}
