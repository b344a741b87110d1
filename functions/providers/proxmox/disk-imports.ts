/** Has a node fetch disks into a storage's import content: what each method promises stands in `../capabilities/disk-imports.ts`. */
import * as z from 'zod'
import { PlatformUnavailable, RestoreStartUnclear, StorageUnusable } from '../../contracts/errors.ts'
import type { DiskImports, FetchEnding, ImportStorage } from '../capabilities/disk-imports.ts'
import type { JobSummary } from '../job-summary.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { mayBeSince } from './clock.ts'
import { NoSuchTask, where } from './errors.ts'
import { formatVolid, parseUpid, parseVolid } from './identifiers.ts'
import { endingOf, isLost, statusText } from './job-ending.ts'
import { count, filledText, rows, taskIdSchema, taskRowsSchema } from './schemas.ts'
import { storagesOf } from './storage-state.ts'
import type { TaskReader } from './tasks.ts'

/** What a storage is to hold so that disks can be fetched to it. */
export const IMPORT_CONTENT = 'import'
const FETCH_TYPE = 'download'
const MOST_TASKS = 1000
const DELETE_SECONDS = 300
/** Before a status that makes no sense is believed. */
const SECOND_LOOK_MS = 2000

/** GET …/content?content=import */
const fetchedRowsSchema = rows(z.object({ volid: filledText, size: count }))

export function openDiskImports(
  client: ApiClient,
  tasks: TaskReader,
  siteName: string,
  sleep: (milliseconds: number) => Promise<void>,
): DiskImports {
  const pathOf = ({ node, storage }: ImportStorage) => apiPath`/nodes/${node}/storage/${storage}`

  async function listed(at: ImportStorage) {
    const about = client.about('list the disks that were fetched', at)
    return (await client.get(`${pathOf(at)}/content${apiQuery({ content: IMPORT_CONTENT })}`, fetchedRowsSchema, about))
      .data
  }

  async function remove(at: ImportStorage, volid: string): Promise<void> {
    const about = client.about(`remove ${volid}`, at)
    const written = await client.write('DELETE', `${pathOf(at)}/content/${encodeURIComponent(volid)}`, about)
    if (!written.answered) throw written.error
    const taskId = taskIdSchema.safeParse(written.data)
    if (!taskId.success) throw new PlatformUnavailable(`${where(about)}: the answer to ${about.doing} names no task.`)
    if (taskId.data === null) return
    const { exitStatus = 'no exit status' } = await tasks.waitForEnd(taskId.data, DELETE_SECONDS)
    if (exitStatus === 'OK' || exitStatus.startsWith('WARNINGS: ')) return
    throw new StorageUnusable(`${where(about)}: cannot ${about.doing}: ${exitStatus}`)
  }

  return {
    disksIn: (configuration, { storage, fileName }) =>
      [...configuration.matchAll(/^#qmdump#map:([^:\n]+):([^:\n]+):/gm)].map(([, disk = '', device = '']) => {
        const name = `${fileName}-${disk}.qcow2`
        return { disk, device, fileName: name, ref: formatVolid({ storage, volume: `${IMPORT_CONTENT}/${name}` }) }
      }),

    async storagesFor(node) {
      const all = await storagesOf(client, node)
      return all.filter(({ content, enabled, active }) => content.includes(IMPORT_CONTENT) && enabled && active)
    },

    async fetch(at, { fileName, url, sha256 }) {
      const about = client.about('fetch a disk', at)
      const form = {
        content: IMPORT_CONTENT,
        filename: fileName,
        url,
        checksum: sha256,
        'checksum-algorithm': 'sha256',
      }
      const written = await client.write('POST', `${pathOf(at)}/download-url`, about, form)
      if (!written.answered) {
        throw new RestoreStartUnclear(
          `${written.error.message} The disk may be fetched all the same: look for it before asking again.`,
          { cause: written.error },
        )
      }
      const found = typeof written.data === 'string' ? summaryOf(written.data, true) : undefined
      if (found === undefined) {
        throw new RestoreStartUnclear(`${where(about)}: the answer to the order to fetch a disk names no task of one.`)
      }
      return found
    },

    async findFetch({ node }, fileName, since) {
      const about = client.about('look for what it fetches', { node })
      const query = apiQuery({ source: 'all', typefilter: FETCH_TYPE, limit: MOST_TASKS })
      const { data, timing } = await client.get(apiPath`/nodes/${node}/tasks` + query, taskRowsSchema, about)
      const ours = data.flatMap((row): JobSummary[] => {
        const upid = parseUpid(row.upid)
        // The task's id is the file's name, which bears the restore's token.
        if (upid?.type !== FETCH_TYPE || upid.user !== client.account || upid.id !== fileName) return []
        const running = row.endtime === undefined
        const found = running || mayBeSince(upid, since, timing) ? summaryOf(row.upid, running) : undefined
        return found === undefined ? [] : [found]
      })
      return ours.toSorted((one, other) => other.startedAt.localeCompare(one.startedAt))[0]
    },

    /** A process that is gone before its last line is written reads as lost, and so is looked at twice. */
    async fetchEnding(jobRef) {
      const first = await look()
      if (first.state.running || !isLost(first.state)) return fetchEndingOf(first.state, first.lines)
      await sleep(SECOND_LOOK_MS)
      const second = await look()
      return fetchEndingOf(second.state, second.lines)

      async function look() {
        try {
          const state = await tasks.state(jobRef)
          return { state, lines: state.running ? [] : await tasks.logTail(jobRef, 100) }
        } catch (error) {
          if (!(error instanceof NoSuchTask)) throw error
          return { state: { running: false, exitStatus: 'no such task' }, lines: [] }
        }
      }
    },

    async fetchedBytes(at, ref) {
      return (await listed(at)).find(({ volid }) => volid === ref)?.size
    },

    async removeFetched(at, fileName) {
      const ours = async () => {
        const all = await listed(at)
        return all.filter(({ volid }) => parseVolid(volid)?.volume.startsWith(`${IMPORT_CONTENT}/${fileName}-`))
      }
      for (const { volid } of await ours()) await remove(at, volid)
      const [left] = await ours()
      if (left === undefined) return
      throw new StorageUnusable(
        `Site ${siteName}, node ${at.node}: the platform says that ${left.volid} was removed, and it is still there.`,
      )
    },
  }
}

function summaryOf(jobRef: string, running: boolean): JobSummary | undefined {
  const upid = parseUpid(jobRef)
  if (upid?.type !== FETCH_TYPE) return undefined
  return { jobRef, startedAt: new Date(upid.startTime * 1000).toISOString(), running }
}

/** The log repeats the address with its signature, and so does the error of the program that fetches. */
function withoutSignatures(text: string): string {
  return text.replaceAll(/(\bhttps?:\/\/[^\s?'"]+)\?[^\s'"]*/g, '$1?…')
}

export function fetchEndingOf(state: { running: boolean; exitStatus?: string }, lines: readonly string[]): FetchEnding {
  if (state.running) return { ending: 'running', said: 'still running', again: true }
  const taskLine = /^TASK (.*)$/.exec(lines.findLast((line) => line.trim() !== '') ?? '')?.[1]
  const log = { errors: [], ...(taskLine === undefined ? {} : { taskLine }) }
  const ending = endingOf(state, log)
  const said = withoutSignatures(statusText(state, log))
  if (ending === 'ok' || ending === 'warnings') return { ending: 'fetched', said, again: false }
  return { ending: 'failed', said, ...adviceOn([...lines, said]) }
}

/** Words: pve-common 9.2.1 (download_file_from_url), GNU Wget 1.25 and its exit codes. */
function adviceOn(texts: readonly string[]): { again: boolean; advice?: string } {
  const said = (pattern: RegExp) => texts.some((text) => pattern.test(text))
  if (said(/No space left on device|out of space/)) {
    return { again: false, advice: 'The storage is full: make room on it, or name another one with deliveryStorage.' }
  }
  if (said(/refusing to override existing file/)) {
    return { again: false, advice: 'Another file has that name: remove it from the storage.' }
  }
  if (said(/checksum mismatch|mismatch \(got/)) {
    return { again: true, advice: "The node didn't get what was sent: check what lies between it and S3." }
  }
  if (said(/ERROR 403|403 Forbidden/)) {
    return { again: true, advice: 'S3 refused the address: it had expired, or its signer may not read the object.' }
  }
  if (
    said(
      /unable to resolve host|Name or service not known|Connection refused|Connection timed out|Network is unreachable|No route to host/,
    )
  ) {
    return {
      again: true,
      advice: "The node can't reach S3: let it out on port 443, or set the proxy of the datacenter.",
    }
  }
  if (said(/cannot verify|certificate/)) {
    return { again: false, advice: "The node doesn't trust the certificate of the store: install its authority there." }
  }
  return { again: true }
}
