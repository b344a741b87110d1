/** What holds after every round, whatever went wrong in it. Pure: each invariant gives its violations, a sentence each. */
import { exitCodes } from '../../local/cli/exit-codes.ts'
import type { RoundRecord, RunEnd } from './record.ts'

export interface Invariant {
  name: string
  violations: (round: RoundRecord) => string[]
}

/** By outcome. Of a run that archived nothing, the code also says that the site, or the store, did not answer. */
const expectedCodes = {
  succeeded: [exitCodes.succeeded],
  partial: [exitCodes.partial],
  failed: [exitCodes.failed, exitCodes.unreachable],
} as const

export const invariants: readonly Invariant[] = [
  {
    name: 'a guest that is reported archived has an archive with the bytes of a dump',
    violations: ({ runs, archives, dumps }) =>
      runs.flatMap(({ report }) =>
        (report?.guests ?? [])
          .filter(({ outcome }) => outcome === 'succeeded')
          .flatMap(({ id, manifestKey, artifacts }) => {
            const archive = archives.find((one) => one.manifestKey === manifestKey)
            if (archive === undefined) return [`guest ${id}: no manifest ${manifestKey}`]
            if (artifacts.length === 0) return [`guest ${id}: its report names no artifact`]
            return artifacts.flatMap(({ key, sizeBytes }) => {
              const file = archive.files.find((one) => one.key === key)
              const dump = dumps.find(({ fileName }) => key.endsWith(`/${fileName}`))
              if (file === undefined) return [`guest ${id}: no object ${key}`]
              if (dump === undefined) return [`guest ${id}: nobody saw a dump for ${key}`]
              const same =
                file.sha256 === dump.sha256 && file.sizeBytes === dump.sizeBytes && sizeBytes === dump.sizeBytes
              return same ? [] : [`guest ${id}: ${key} isn't the dump, byte for byte`]
            })
          }),
      ),
  },
  {
    name: 'every manifest agrees with its objects',
    violations: ({ archives }) =>
      archives.flatMap(({ manifestKey, artifacts, files }) => {
        if (artifacts.length === 0) return [`${manifestKey} names no artifact`]
        return artifacts.flatMap(({ fileName, sizeBytes }) => {
          const file = files.find(({ key }) => key.endsWith(`/${fileName}`))
          return file?.sizeBytes === sizeBytes ? [] : [`${manifestKey} says ${sizeBytes} bytes of ${fileName}`]
        })
      }),
  },
  {
    name: 'no archive is lost or changed',
    violations: ({ seen, archives }) => {
      const now = Object.fromEntries(archives.map((archive) => [archive.manifestKey, sumOf(archive.files)]))
      return seen.flatMap((then) =>
        Object.entries(then).flatMap(([key, sum]) => (now[key] === sum ? [] : [`${key} is not what it was`])),
      )
    },
  },
  {
    name: 'nothing is archived twice',
    violations: ({ archives }) => [
      ...repeated(archives.flatMap(({ artifacts }) => artifacts.map(({ fileName }) => fileName))),
      ...repeated(archives.flatMap(({ jobRef }) => jobRef ?? [])),
    ],
  },
  {
    name: 'nothing of ours is left at work',
    violations: ({ left: { tasks, locks, claims, turns, streams } }) =>
      Object.entries({ tasks, locks, claims, turns, streams }).flatMap(([what, found]) =>
        found.map((one) => `${what}: ${one}`),
      ),
  },
  {
    name: 'every open upload has a record by which it is gone on with or swept',
    violations: ({ left: { uploads, recorded } }) => uploads.filter((key) => !recorded.includes(key)),
  },
  {
    name: 'every dump that was to leave the platform has left it, or a report names it',
    violations: ({ deleteSource, left, said }) =>
      deleteSource ? left.dumps.filter((name) => !said.some((text) => text.includes(name))) : [],
  },
  {
    name: 'what an unfinished dump left is named by a report',
    violations: ({ left, said }) => left.halves.filter((name) => !said.some((text) => text.includes(name))),
  },
  {
    name: 'no part is sent again but those whose answer was lost',
    violations: (round) => {
      const again = round.parts.length - new Set(round.parts.map(({ key, partNumber }) => `${key} ${partNumber}`)).size
      return again <= round.excusedParts ? [] : [`${again} parts were sent again, ${round.excusedParts} excused`]
    },
  },
  {
    name: 'a run that nobody killed prints its report, and its exit code agrees',
    violations: ({ runs }) => runs.filter(({ killed }) => !killed).flatMap(complaintAbout),
  },
  {
    name: 'every guest that was asked for has an outcome, and what is not archived a cause',
    violations: ({ asked, runs }) =>
      runs.flatMap(({ report, killed, stopped }) => {
        if (report === undefined || killed || report.reportAt !== undefined) return []
        const named = report.guests.map(({ id }) => id)
        const missing = stopped ? [] : asked.filter((id) => !named.includes(id))
        const mute = report.guests.filter(({ outcome, verdict, reason }) =>
          outcome === 'succeeded' ? false : verdict === '' || reason.trim() === '',
        )
        return [
          ...missing.map((id) => `guest ${id} is not in the report`),
          ...mute.map(({ id }) => `guest ${id} has no cause`),
          ...repeated(named).map((twice) => `guest ${twice}`),
        ]
      }),
  },
  {
    name: 'in a quiet world everything is archived',
    violations: ({ runs, asked }) => {
      const last = runs.findLast(({ quiet }) => quiet)
      const done = last?.report?.guests.filter(({ outcome }) => outcome === 'succeeded').map(({ id }) => id) ?? []
      return asked.filter((id) => !done.includes(id)).map((id) => `guest ${id} is not archived`)
    },
  },
]

/** All violations of a round, each with its invariant's name in front. */
export function judgeRound(round: RoundRecord): string[] {
  return invariants.flatMap(({ name, violations }) => violations(round).map((one) => `${name}: ${one}`))
}

/** A sum over the files of an archive, to be compared with a later one. */
export function sumOf(files: RoundRecord['archives'][number]['files']): string {
  const artifacts = files.filter(({ key }) => !key.endsWith('.json'))
  return artifacts
    .map(({ key, sha256 }) => `${key} ${sha256}`)
    .toSorted()
    .join('\n')
}

function complaintAbout({ exitCode, report, stopped, stderr }: RunEnd): string[] {
  if (report === undefined) return [`exit code ${exitCode} and no report: ${stderr}`]
  const expected: number[] = [...expectedCodes[report.outcome], ...(stopped ? [exitCodes.interrupted] : [])]
  if (exitCode === undefined || !expected.includes(exitCode)) return [`${report.outcome} with exit code ${exitCode}`]
  const bad = report.guests.filter(({ outcome }) => outcome !== 'succeeded').length
  const all = report.guests.length
  if (report.reportAt !== undefined) return []
  const outcome = bad === 0 && all > 0 ? 'succeeded' : bad < all ? 'partial' : 'failed'
  return outcome === report.outcome ? [] : [`${report.outcome} with ${bad} of ${all} guests not archived`]
}

function repeated(all: readonly string[]): string[] {
  return [...new Set(all.filter((one, index) => all.indexOf(one) !== index))].map((one) => `${one} twice`)
}
