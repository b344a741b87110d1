import { parseArgs } from 'node:util'

export const sectionNames = ['routes', 'distance', 'restore', 'restore-distance', 'cold', 'raw-disk'] as const
export type SectionName = (typeof sectionNames)[number]

export interface Options {
  json: boolean
  /** What each run of a route moves. */
  mebibytes: number
  runs: number
  only: readonly SectionName[]
}

const usage = `npm run bench -- [--json] [--mib 2048] [--runs 5] [--only ${sectionNames.join(',')}]

Measures Guestlift beside rclone and a floor of plain tools, all on this machine.
  routes    CPU seconds, seconds and memory per GiB of each route, from a server on loopback to a discarding TLS sink;
            --runs times --mib MiB, in turns
  distance  the rate of each route over 1 Gbit/s and 20, 80 and 150 ms to the site
  restore   CPU seconds per GiB of each way back to a node, beside archiving by the route whose mirror it is; as routes
  restore-distance
            the rate of each way back over 200 Mbit/s and 20, 80 and 150 ms to the node
  cold      bundle size and load time of every function
  raw-disk  the archive of a disk beside zstd -1 of the same bytes: CPU, size, reading back; --runs times
  --json    the result as one line of JSON, the last of standard output
Needs sshd, ssh, curl and openssl (Debian: openssh-server, openssh-client, curl, openssl), and zstd for raw-disk; rclone
and aws to compare with, perf to read how much of rclone's time its hashes take. Rows for which a tool is missing say so.`

/** The command line. Ends the process for `--help`, and for what it doesn't understand. */
export function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        mib: { type: 'string', default: '2048' },
        runs: { type: 'string', default: '5' },
        only: { type: 'string', default: sectionNames.join(',') },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    return {
      json: values.json,
      mebibytes: wholeNumber('mib', values.mib, LEAST_MEBIBYTES),
      runs: wholeNumber('runs', values.runs, 1),
      only: values.only.split(',').map(sectionName),
    }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}

/** Up to 200 MiB rclone sends one PUT without SHA-256, and the parts in flight aren't all used: another comparison. */
export const LEAST_MEBIBYTES = 256

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${name} is a whole number from ${least} on, not ${text}`)
  return value
}

function sectionName(text: string): SectionName {
  const found = sectionNames.find((name) => name === text.trim())
  if (found === undefined) throw new Error(`--only takes ${sectionNames.join(', ')}, not ${text}`)
  return found
}
