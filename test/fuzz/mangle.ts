/** Ways in which an answer can go wrong on its way, from a flipped type to a line that goes dead. */
import * as fc from 'fast-check'
import type { Reply } from '../../local/replay/byte-server.ts'

/** A whole answer before it is mangled. */
export interface Answer {
  statusLine: string
  headers: readonly (readonly [string, string])[]
  body: string
}

export type Mangling =
  | { kind: 'replace' | 'drop' | 'repeat'; at: number; value: unknown }
  | { kind: 'twice'; value: unknown }
  | { kind: 'truncate' | 'flip'; at: number; after: 'close' | 'reset' | 'keep' }
  | { kind: 'status'; line: string }
  | { kind: 'body'; body: string }
  | { kind: 'type'; type: string }
  | { kind: 'length'; by: number }
  | { kind: 'huge' | 'silent' | 'slow' | 'hang up' }

const values: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e21,
  '',
  'OK',
  'running',
  'stopped',
  'WARNINGS: 1',
  'TASK OK',
  '9'.repeat(400),
  '\u0000',
  '\uD800',
  '../../etc/passwd',
  'UPID:pve1:0000211A:0003B7FF:6B0327BB:vzdump:100:backup@pve!client:',
  'UPID:pve1:0000211A:0003B7FF:6B0327BB:imgdel:100@store:backup@pve!client:',
  [],
  [null],
  {},
  { t: 'TASK OK' },
  JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 1}'),
]

const fraction = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const value = fc.oneof(fc.constantFrom(...values), fc.jsonValue({ maxDepth: 2 }))

/** What changes the meaning of an answer and leaves the way it is sent alone. */
export const misstatements: fc.Arbitrary<Mangling> = fc.record({
  kind: fc.constantFrom('replace' as const, 'drop' as const, 'repeat' as const),
  at: fraction,
  value,
})

export const manglings: fc.Arbitrary<Mangling> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('replace' as const), at: fraction, value }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('drop' as const, 'repeat' as const),
      at: fraction,
      value: fc.constant(null),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('twice' as const), value }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('truncate' as const, 'flip' as const),
      at: fraction,
      after: fc.constantFrom('close' as const, 'reset' as const, 'keep' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('status' as const),
      line: fc.constantFrom(
        ...[
          '200',
          '201',
          '204',
          '100',
          '301',
          '400',
          '401',
          '403',
          '404',
          '408',
          '429',
          '500',
          '501',
          '502',
          '503',
          '504',
          '506',
          '595',
          '596',
          '599',
          '999',
        ].map((code) => `HTTP/1.1 ${code} x`),
        'HTTP/1.1 200',
        'HTTP/1.0 200 OK',
        'HTTP/2 200 OK',
        'HTTP/1.1 OK',
        'ICY 200 OK',
        "HTTP/1.1 500 storage 'x' is disabled",
        'HTTP/1.1 500 no such task',
        'HTTP/1.1 401 \u00ff\u00fe',
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('body' as const),
      body: fc.oneof(
        fc.constantFrom(
          '',
          ' ',
          'null',
          '[]',
          '{}',
          '{"data":null}',
          '{"data":',
          '<html><body>Log in</body></html>',
          '"OK"',
          '{"data":"OK"}',
          '{"data":[]}',
          '{"data":{}}',
          '\uFEFF{"data":[]}',
          '['.repeat(5000),
        ),
        fc.string({ maxLength: 200 }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('type' as const),
      type: fc.constantFrom('text/html', 'application/octet-stream', 'application/json;charset=UTF-16', ''),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('length' as const), by: fc.integer({ min: -200, max: 200 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('huge' as const, 'silent' as const, 'slow' as const, 'hang up' as const),
    }),
  },
)

/** The bytes that are written in place of the answer. */
export function mangled(answer: Answer, mangling: Mangling): Reply {
  const { statusLine, headers, body } = answer
  switch (mangling.kind) {
    case 'replace':
    case 'drop':
    case 'repeat':
      return whole({ ...answer, body: editJson(body, mangling) })
    case 'twice':
      return whole({ ...answer, body: body.replace('{', `{"data":${JSON.stringify(mangling.value) ?? 'null'},`) })
    case 'status':
      return whole({ ...answer, statusLine: mangling.line })
    case 'body':
      return whole({ ...answer, body: mangling.body })
    case 'type':
      return whole({
        statusLine,
        headers: [...headers.filter(([name]) => !/^content-type$/i.test(name)), ['Content-Type', mangling.type]],
        body,
      })
    case 'length':
      return { bytes: bytesOf(answer, Math.max(0, Buffer.byteLength(body) + mangling.by)), after: 'close' }
    case 'huge':
      return whole({ ...answer, body: `${' '.repeat(3 * 1024 ** 2)}${body}` })
    case 'silent':
      return { bytes: '', after: 'keep' }
    case 'hang up':
      return { bytes: '', after: 'reset' }
    case 'slow':
      return { bytes: bytesOf(answer, Buffer.byteLength(body)), drip: 10 }
    case 'truncate': {
      const bytes = bytesOf(answer, Buffer.byteLength(body))
      return { bytes: bytes.subarray(0, Math.floor(bytes.length * mangling.at)), after: mangling.after }
    }
    case 'flip': {
      const bytes = Buffer.from(bytesOf(answer, Buffer.byteLength(body)))
      const at = Math.floor(bytes.length * mangling.at)
      bytes[at] = (bytes[at] ?? 0) ^ 0x15
      return { bytes, after: mangling.after }
    }
    default:
      return mangling satisfies never
  }
}

export function whole(answer: Answer): Reply {
  return { bytes: bytesOf(answer, Buffer.byteLength(answer.body)), after: 'close' }
}

function bytesOf({ statusLine, headers, body }: Answer, length: number): Buffer {
  const kept = headers.filter(([name]) => !/^(?:content-length|transfer-encoding|connection)$/i.test(name))
  const fields = [...kept.map(([name, text]) => `${name}: ${text}`), `Content-Length: ${length}`]
  return Buffer.concat([Buffer.from(`${[statusLine, ...fields].join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}

function editJson(text: string, edit: { kind: 'replace' | 'drop' | 'repeat'; at: number; value: unknown }): string {
  let root: unknown
  try {
    root = { root: JSON.parse(text) as unknown }
  } catch {
    return text
  }
  // Each depth is as likely as any other, so that rows are hit as often as their many fields.
  const depths = placesByDepth(root)
  const scaled = edit.at * depths.length
  const places = depths[Math.floor(scaled)] ?? []
  const place = places[Math.floor(places.length * (scaled % 1))]
  if (place === undefined) return text
  const { holder, key } = place
  if (Array.isArray(holder)) {
    const items: unknown[] = holder
    const index = Number(key)
    if (edit.kind === 'drop') items.splice(index, 1)
    else if (edit.kind === 'repeat') items.splice(index, 0, items[index])
    else items[index] = edit.value
  } else if (edit.kind === 'drop') {
    delete holder[key]
  } else {
    holder[key] = edit.kind === 'repeat' ? [holder[key], holder[key]] : edit.value
  }
  return JSON.stringify((root as { root?: unknown }).root) ?? ''
}

type Place = { holder: unknown[] | Record<string, unknown>; key: string }

function placesByDepth(root: unknown): Place[][] {
  const depths: Place[][] = []
  for (
    let level = placesIn(root);
    level.length > 0;
    level = level.flatMap(({ holder, key }) => placesIn(Reflect.get(holder, key)))
  ) {
    depths.push(level)
  }
  return depths
}

function placesIn(node: unknown): Place[] {
  if (typeof node !== 'object' || node === null) return []
  const holder = node as unknown[] | Record<string, unknown>
  return Object.keys(node).map((key) => ({ holder, key }))
}
