/** Executions die without a word, are repeated, or meet each other. */
import { appendFileSync, readFileSync } from 'node:fs'
import { type Bed, newestArchive } from './bed.ts'
import type { BackupFault, Ending, Job } from './fault.ts'
import { endingOf } from './run-backup-fault.ts'

const MIB = 2 ** 20
const theme = 'Executions'
const route = 'sftp'

/** Run until a moment, then end everything at once: no function finishes, no clean-up runs. Returns the guest's plan item. */
async function dead(bed: Bed, job: Job, moment: { state: string } | { part: number }): Promise<unknown> {
  const death = new AbortController()
  let parts = 0
  const name = `dies-${Date.now()}`
  const { result } = await bed.run(job, {
    name,
    kill: death.signal,
    onState: (state) => {
      if ('state' in moment && state === moment.state) death.abort()
    },
    onPart: () => {
      parts += 1
      if ('part' in moment && parts === moment.part) death.abort()
    },
  })
  if (result.status !== 'ABORTED') throw new Error(`the execution outlived its death: ${result.status}`)
  const [planKey = ''] = (await bed.site.keys('runs/')).filter((key) => key.endsWith(`/${name}/plan.json`))
  const [item] = JSON.parse(await bed.site.text(planKey)) as unknown[]
  return item
}

async function repeated(bed: Bed, item: unknown): Promise<Ending> {
  return endingOf(await bed.run(item, { workflow: 'exportGuest' }))
}

/** While the claim may be alive, a second execution of the guest touches nothing. */
async function keptOut(bed: Bed, item: unknown): Promise<void> {
  const before = await stateOf(bed)
  const { verdict } = await repeated(bed, item)
  if (verdict !== 'GuestBusy') throw new Error(`a second execution was not kept out: ${verdict}`)
  const after = await stateOf(bed)
  if (after !== before) throw new Error(`a second execution that was kept out changed ${before} to ${after}`)
}

/** What the dead execution's dump still writes on the node is its own; what counts is that no other was begun. */
async function stateOf({ site }: Bed): Promise<string> {
  return JSON.stringify([await site.keys('archives/'), await site.openUploads(), site.lab.control.tasks().length])
}

const deaths = [
  ['while the guest is dumped', { state: 'Check vzdump' }, 'small'],
  ['when the archive is there', { state: 'Open upload' }, 'small'],
  ['after a part', { part: 1 }, 'large'],
  ['before the upload is completed', { state: 'Complete upload' }, 'large'],
  ['before the manifest', { state: 'Write manifest' }, 'small'],
  ['after the manifest', { state: 'Release backup' }, 'small'],
] as const

export const resumeFaults: readonly BackupFault[] = [
  ...deaths.map(
    ([when, moment, kind]): BackupFault => ({
      name: `the execution dies without a word ${when}, and the guest is repeated`,
      theme,
      route,
      bed: kind,
      happens: 'GuestBusy while the claim may be alive; after that, the backup and the parts in S3 are taken over',
      when: 'at the start',
      inject: () => undefined,
      instead: async (bed, job) => {
        const item = await dead(bed, job, moment)
        await keptOut(bed, item)
        await bed.site.letClaimsLapse()
        return repeated(bed, item)
      },
      expected: 'succeeded',
      check: ({ site, ledger }) => {
        const dumps = site.lab.control.archives().length
        if (dumps !== 1) throw new Error(`${dumps} backups were made`)
        // Nothing that S3 had is sent again: what is counted is what S3 took in all, over both executions.
        const parts = kind === 'large' ? 3 : 1
        if (ledger.parts !== parts) throw new Error(`S3 took ${ledger.parts} parts of ${parts}`)
      },
    }),
  ),
  {
    name: 'a guest that is archived is repeated',
    theme,
    route,
    happens: 'the object is recognised; no byte is read or sent',
    when: 'at the start',
    inject: () => undefined,
    instead: async (bed, job) => {
      const name = `again-${Date.now()}`
      const first = endingOf(await bed.run(job, { name }))
      if (first.outcome !== 'succeeded') return first
      const [planKey = ''] = (await bed.site.keys('runs/')).filter((key) => key.endsWith(`/${name}/plan.json`))
      const [item] = JSON.parse(await bed.site.text(planKey)) as unknown[]
      return repeated(bed, item)
    },
    expected: 'succeeded',
    check: ({ ledger, site }, { bytesSent }) => {
      if (bytesSent !== 0 || ledger.parts !== 1) throw new Error(`${bytesSent} bytes were sent again`)
      if (site.lab.control.archives().length !== 1) throw new Error('another backup was made')
    },
  },
  {
    name: 'the execution dies, and its archive is replaced by another of the same name and size',
    theme,
    route,
    bed: 'large',
    happens: "the dead one's upload is dropped, and the file that is there now is copied whole",
    when: 'at the start',
    inject: () => undefined,
    instead: async (bed, job) => {
      const item = await dead(bed, job, { part: 1 })
      const { file, path } = newestArchive(bed)
      // It begins as an archive does: what doesn't is refused before its manifest.
      bed.site.lab.control.replaceArchive(file, readFileSync(path).fill(1, MIB))
      bed.site.lab.control.touchArchive(file, new Date(Date.now() + 60_000))
      await bed.site.letClaimsLapse()
      return repeated(bed, item)
    },
    expected: 'succeeded',
    uploads: 2,
  },
  {
    name: 'the execution dies, and its archive grows',
    theme,
    route,
    bed: 'large',
    happens: 'the guest fails: this is not the archive that its job made',
    when: 'at the start',
    inject: () => undefined,
    instead: async (bed, job) => {
      const item = await dead(bed, job, { part: 1 })
      appendFileSync(newestArchive(bed).path, Buffer.alloc(MIB, 7))
      await bed.site.letClaimsLapse()
      return repeated(bed, item)
    },
    expected: ['BackupFailed'],
    cause: /The size of .* still moves/,
  },
]
