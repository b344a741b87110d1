/** Whether a lab's answer is what the real server answered: status, reason, headers, texts, shape, and the values that matter. */
import type { RawResponse } from './raw-http.ts'
import type { RecordedExchange } from './transcripts.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Values that must agree, not only their type. Others are sizes, times, process ids and load. */
const EXACT = new Set([
  'status',
  'exitstatus',
  'type',
  'user',
  'tokenid',
  'node',
  'format',
  'subtype',
  'protected',
  'notes',
  'name',
  'vmid',
  'template',
  'lock',
  'enabled',
  'active',
  'shared',
  'mark',
  'volid',
  'storage',
  'plugintype',
  'userid',
  'enable',
  'realm',
  'comment',
  'privsep',
  'expire',
  'subdir',
  'method',
  'repoid',
  'timezone',
  'username',
  'NeedTFA',
  'prune-backups',
  'disable',
  'is_mountpoint',
  'hostname',
  'scsi0',
  'memory',
  'swap',
  'saved',
  'schedule',
  'vmid',
  'compress',
  'mode',
  'storage',
  'included',
  'reason',
  'leaf',
])
/** Lists whose order is Perl's. */
const UNORDERED = new Set(['content'])
const IDENTITIES = [
  'volid',
  'upid',
  'id',
  'storage',
  'userid',
  'tokenid',
  'realm',
  'vmid',
  'node',
  'name',
  'subdir',
  'n',
]

/** There or not depending on who started a task. */
const OPTIONAL = new Set(['tokenid'])

const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const kind = (value: Json | undefined): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

const sorted = (json: string): string => json.replaceAll('"', '').split(',').toSorted().join(',')

const stampless = (text: string): string => text.replace(/\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d/, '<stamp>')

function compareList(recorded: Json[], own: Json[], at: string): string[] {
  if (recorded.length === 0 && own.length > 0) return [`${at}: recorded empty, lab has ${own.length}`]
  if (recorded.length > 0 && own.length === 0) return [`${at}: recorded ${recorded.length}, lab has none`]
  return own.flatMap((element, index) => {
    const key = isObject(element) ? IDENTITIES.find((name) => element[name] !== undefined) : undefined
    const same = recorded.find(
      (other) => key !== undefined && isObject(other) && isObject(element) && other[key] === element[key],
    )
    if (same !== undefined) return compareJson(same, element, `${at}[${index}]`)
    const found = recorded.map((other) => shape(other, element, `${at}[${index}]`))
    return found.some((differences) => differences.length === 0) ? [] : (found[0] ?? [])
  })
}

/** Keys and types only: for rows of things that exist in one of the two alone. */
function shape(recorded: Json | undefined, own: Json | undefined, at: string): string[] {
  if (kind(recorded) !== kind(own)) return [`${at}: recorded ${kind(recorded)}, lab ${kind(own)}`]
  if (!isObject(recorded) || !isObject(own)) return []
  const keys = new Set([...Object.keys(recorded), ...Object.keys(own)])
  return [...keys].filter((key) => !OPTIONAL.has(key)).flatMap((key) => shape(recorded[key], own[key], `${at}.${key}`))
}

export function compareJson(recorded: Json | undefined, own: Json | undefined, at: string): string[] {
  if (kind(recorded) !== kind(own)) return [`${at}: recorded ${kind(recorded)}, lab ${kind(own)}`]
  if (Array.isArray(recorded) && Array.isArray(own)) return compareList(recorded, own, at)
  if (isObject(recorded) && isObject(own)) {
    const keys = new Set([...Object.keys(recorded), ...Object.keys(own)])
    return [...keys].flatMap((key) => compareJson(recorded[key], own[key], `${at}.${key}`))
  }
  const name = at.split('.').at(-1) ?? ''
  const [theirs, ours] = [JSON.stringify(recorded ?? null), JSON.stringify(own ?? null)]
  const different = [`${at}: recorded ${theirs}, lab ${ours}`]
  if (UNORDERED.has(name)) return sorted(theirs) === sorted(ours) ? [] : different
  if (name === 'path') return stampless(theirs) === stampless(ours) ? [] : different
  const exact = EXACT.has(name) || /^\.data\.(version|release)$/.test(at)
  return exact && recorded !== own ? different : []
}

/** A log without what differs from run to run; progress lines become one. */
export function normalizeLog(lines: readonly string[]): string[] {
  const plain = lines
    .filter((line) => !line.startsWith('INFO: filesystem type on dumpdir'))
    .map((line) =>
      line
        .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>')
        .replace(/\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d/g, '<stamp>')
        .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
        .replace(/\(\d\d:\d\d:\d\d\)/, '(<duration>)')
        .replace(/Total bytes (written|read): \d+ \([\d.]+\wiB, [\d.]+\w?i?B\/s\)/, 'Total bytes $1: <n>')
        .replace(/archive file size: \d+(?:\.\d\d)?[KMG]B/, 'archive file size: <n>')
        .replace(
          /^INFO:\s+\d+% \([\d.]+ \w*B of [\d.]+ \w*B\) in [\dwdhms ]+, read: [\d.]+ \w*B\/s, write: [\d.]+ \w*B\/s$/,
          '<progress>',
        )
        .replace(/backup is sparse: [\d.]+ \w+ \(\d+%\)/, 'backup is sparse: <n>')
        .replace(/transferred [\d.]+ \w+ in <?\d+ seconds \([\d.]+ \w+\/s\)/, 'transferred <n>')
        .replace(/\/var\/tmp\/vzdumptmp\w+|\/mnt\/pve\/\w+\/dump\/[^' ]*\.tmp/, '<scratch>'),
    )
    .map((line) => {
      const [, before, options] = /^(INFO: starting new backup job: vzdump[ \d]*)(--.*)$/.exec(line) ?? []
      return before === undefined || options === undefined
        ? line
        : before +
            options
              .split(' --')
              .toSorted()
              .join(' --')
              .replace(/^(?!--)/, '--')
    })
    .map((line) => line.replaceAll('----', '--'))
  return plain.filter((line, index) => line !== '<progress>' || plain[index - 1] !== '<progress>')
}

const isLog = (recorded: RecordedExchange): boolean => /\/log(?:\?|$)/.test(recorded.request.path)

function parsed(text: string | undefined): Json | undefined {
  try {
    return JSON.parse(text ?? '') as Json
  } catch {
    return undefined
  }
}

function compareLog(recorded: Json, own: Json): string[] {
  const lines = (body: Json): string[] => {
    const data = isObject(body) ? body['data'] : undefined
    return Array.isArray(data) ? data.map((row) => (isObject(row) && typeof row['t'] === 'string' ? row['t'] : '')) : []
  }
  const [theirs, ours] = [normalizeLog(lines(recorded)), normalizeLog(lines(own))]
  // Options come in the order of a Perl hash.
  const key = (line: string): string =>
    line.startsWith('INFO: starting new') ? line.split(' ').toSorted().join(' ') : line
  const differences = theirs.flatMap((line, index) =>
    key(line) === key(ours[index] ?? '') ? [] : [`log ${index + 1}: recorded "${line}", lab "${ours[index]}"`],
  )
  if (ours.length > theirs.length)
    differences.push(`log: lab has ${ours.length - theirs.length} more lines, first "${ours[theirs.length]}"`)
  return differences
}

const HEADERS_THAT_VARY = new Set(['date', 'expires', 'content-length', 'location', 'content-disposition'])

function headerLines(headers: readonly [string, string][]): string[] {
  return headers
    .map(([name, value]) => (HEADERS_THAT_VARY.has(name.toLowerCase()) ? name : `${name}: ${value}`))
    .toSorted()
}

export function compareExchange(recorded: RecordedExchange, own: RawResponse): string[] {
  const { response } = recorded
  const differences: string[] = []
  if (response.status !== own.status) differences.push(`status: recorded ${response.status}, lab ${own.status}`)
  if (response.reason !== own.reason) differences.push(`reason: recorded "${response.reason}", lab "${own.reason}"`)
  const [theirs, ours] = [headerLines(response.headers), headerLines(own.headers)]
  if (theirs.join('\n') !== ours.join('\n')) {
    const gone = theirs.filter((line) => !ours.includes(line))
    const extra = ours.filter((line) => !theirs.includes(line))
    differences.push(`headers: lab lacks [${gone.join(', ')}], adds [${extra.join(', ')}]`)
  }
  const [theirBody, ourBody] = [parsed(response.body), parsed(own.body)]
  if (theirBody === undefined || ourBody === undefined) {
    if (isLog(recorded)) {
      const text = normalizeLog((response.body ?? '').split('\n')).map((line) => line.split(' ').toSorted().join(' '))
      const mine = normalizeLog(own.body.split('\n')).map((line) => line.split(' ').toSorted().join(' '))
      if (text.join('\n') !== mine.join('\n')) differences.push(`text: recorded "${response.body}", lab "${own.body}"`)
    } else if (response.body !== undefined && response.body !== own.body) {
      differences.push(`text: recorded "${response.body}", lab "${own.body}"`)
    }
    return differences
  }
  if (isLog(recorded)) return [...differences, ...compareLog(theirBody, ourBody)]
  for (const key of ['message', 'errors']) {
    const [one, other] = [
      isObject(theirBody) ? theirBody[key] : undefined,
      isObject(ourBody) ? ourBody[key] : undefined,
    ]
    const canonical = (value: Json | undefined): string =>
      JSON.stringify(
        isObject(value)
          ? Object.entries(value).toSorted(([one], [other]) => one.localeCompare(other))
          : (value ?? null),
      )
    if (canonical(one) !== canonical(other))
      differences.push(`${key}: recorded ${canonical(one)}, lab ${canonical(other)}`)
  }
  return [...differences, ...compareJson(theirBody, ourBody, '')]
}
