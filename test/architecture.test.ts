import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Import {
  /** Path of the importing file from the root. */
  from: string
  /** Path of the imported file from the root, or the name of a package. */
  to: string
  typeOnly: boolean
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+['"]([^'"]+)['"]|^import\s+()['"]([^'"]+)['"]/gm,
  )
  const place = (name: string) => (name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name)
  const onDemand = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
  return [
    ...[...statements].map((match) => ({
      from: file,
      to: place(match[2] ?? match[4] ?? ''),
      typeOnly: match[1] !== undefined,
    })),
    ...[...onDemand].map(([, name = '']) => ({ from: file, to: place(name), typeOnly: false })),
  ]
}

const files = ['functions', 'lib', 'local', 'bin'].flatMap(sourceFiles)
const imports = files.flatMap(importsOf)

/** Imports by files under `from` that none of `allowed` explains. Node's own modules are always allowed unless said otherwise. */
function breaches(from: RegExp, allowed: RegExp[], node = true): string[] {
  return imports
    .filter((one) => from.test(one.from))
    .filter((one) => !(node && one.to.startsWith('node:')))
    .filter((one) => !allowed.some((pattern) => pattern.test(one.to)))
    .map((one) => `${one.from} imports ${one.to}`)
}

/** Those from which one comes back to themselves. */
function circles(all: readonly string[], next: (one: string) => Iterable<string>): string[] {
  const reaches = (from: string, seen: Set<string>): Set<string> => {
    for (const to of next(from)) if (!seen.has(to)) reaches(to, seen.add(to))
    return seen
  }
  return all.filter((one) => reaches(one, new Set()).has(one))
}

describe('the architecture', () => {
  it('keeps contracts to zod and themselves', () => {
    expect(breaches(/^functions\/contracts\//, [/^zod$/, /^functions\/contracts\//], false)).toEqual([])
  })

  it('keeps the domain pure: contracts only, no I/O, no clock, no environment', () => {
    expect(breaches(/^functions\/domain\//, [/^zod$/, /^functions\/(contracts|domain)\//], false)).toEqual([])
    for (const page of ['catalogue-page', 'report-page']) {
      const from = new RegExp(`^functions/${page}/`)
      expect(breaches(from, [new RegExp(`^functions/(contracts|domain|${page})/`)], false)).toEqual([])
    }
    const impure = /\bprocess\.|\bDate\.now\(|new Date\(\)|Math\.random\(|\bsetTimeout\(|\bfetch\(/
    const domain = files.filter((file) => /^functions\/(domain|catalogue-page|report-page)\//.test(file))
    expect(domain.filter((file) => impure.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
  })

  it("makes clients of S3 in one place, where answers that are not S3's are told apart", () => {
    const makers = files.filter((file) => /new S3Client\(/.test(readFileSync(join(root, file), 'utf8')))
    expect(makers).toEqual(['functions/aws/s3-client.ts'])
  })

  it.each([
    ['proxmox', [/^functions\/http\/api-line\.ts$/]],
    ['ec2', [/^functions\/aws-api\//]],
    ['vsphere', [/^functions\/vsphere-api\//]],
    ['azure', [/^functions\/azure-api\//]],
  ])('keeps provider %s to its own folder', (platform, also) => {
    const own = new RegExp(
      `^functions/(contracts|domain|providers/${platform})/|^functions/providers/(capabilities/)?[^/]+(?<!registry)\\.ts$`,
    )
    expect(
      breaches(new RegExp(`^functions/providers/${platform}/`), [
        own,
        ...also,
        /^functions\/tls\//,
        /^(undici|zod)(\/|$)/,
      ]),
    ).toEqual([])
  })

  it('keeps readers and S3 to their own folders', () => {
    expect(
      breaches(/^functions\/readers\//, [
        /^functions\/(aws-api|azure-api|contracts|domain|http|http-file|readers|ssh|tls|vsphere-api)\//,
        /^(undici|zod)$/,
      ]),
    ).toEqual([])
    expect(
      breaches(/^functions\/aws\//, [/^functions\/(contracts|domain|aws|aws-api|http|tls)\//, /^@(aws-sdk|smithy)\//]),
    ).toEqual([])
  })

  it('keeps writers to their own folder, and SSH, which they share with readers, to contracts and domain', () => {
    expect(
      breaches(/^functions\/writers\//, [
        /^functions\/(aws-api|contracts|domain|ssh|tls|vsphere-api|writers)\//,
        /^zod$/,
      ]),
    ).toEqual([])
    expect(breaches(/^functions\/ssh\//, [/^functions\/(contracts|domain|ssh|tls)\//, /^(ssh2|zod)$/])).toEqual([])
  })

  it('keeps signed calls of AWS, which a provider, readers and S3 share, to contracts and domain', () => {
    const packages = /^(@aws-sdk|@smithy|zod)(\/|$)/
    expect(breaches(/^functions\/aws-api\//, [/^functions\/(aws-api|contracts|domain|tls)\//, packages])).toEqual([])
  })

  it('keeps files over HTTP, and the APIs of vSphere and Azure, to contracts and connections', () => {
    expect(breaches(/^functions\/http-file\//, [/^functions\/(contracts|http|http-file|tls)\//])).toEqual([])
    const vsphere = [/^functions\/(contracts|domain|http-file|http|tls|vsphere-api)\//, /^@aws-sdk\/xml-builder$/]
    expect(breaches(/^functions\/vsphere-api\//, vsphere)).toEqual([])
    const azure = [
      /^functions\/(aws-api|azure-api|contracts|domain|http-file|http|tls)\//,
      /^(@aws-sdk\/xml-builder|zod)$/,
    ]
    expect(breaches(/^functions\/azure-api\//, azure)).toEqual([])
  })

  it('keeps HTTP, which readers, S3 and lines to an API share, to itself', () => {
    expect(breaches(/^functions\/http\//, [/^functions\/(contracts|http|tls)\//])).toEqual([])
  })

  it('keeps the formats of archives to contracts and domain: no store, no reader, no platform', () => {
    expect(breaches(/^functions\/archive-formats\//, [/^functions\/(contracts|domain|archive-formats)\//])).toEqual([])
  })

  it('keeps the sending of notices to contracts and domain', () => {
    expect(breaches(/^functions\/notices\//, [/^functions\/(contracts|domain|notices)\//])).toEqual([])
  })

  it('keeps TLS, which providers and readers share, to contracts and domain', () => {
    expect(breaches(/^functions\/tls\//, [/^functions\/(contracts|domain|tls)\//])).toEqual([])
  })

  it.each([
    'functions/domain/',
    'functions/operations/',
    'functions/readers/',
    'functions/ssh/',
    'functions/writers/',
    'local/',
    'local/asl/',
    'local/cli/',
    'local/labs/',
    'local/s3/',
  ])('has no circle among the folders of %s', (place) => {
    // What lies in the place itself belongs to no folder: it is what all of them share, or what puts them together.
    const folderOf = (file: string) => {
      const [folder = '', ...rest] = file.slice(place.length).split('/')
      return file.startsWith(place) && rest.length > 0 ? folder : undefined
    }
    const folders = new Map<string, Set<string>>()
    for (const { from, to } of imports) {
      const [one, other] = [folderOf(from), folderOf(to)]
      if (one === undefined || other === undefined || one === other) continue
      folders.set(one, (folders.get(one) ?? new Set()).add(other))
    }
    expect(circles([...folders.keys()], (folder) => folders.get(folder) ?? [])).toEqual([])
  })

  it('has no circle among its files, not even of types', () => {
    const needed = new Map<string, string[]>()
    for (const { from, to } of imports) needed.set(from, [...(needed.get(from) ?? []), to])
    expect(circles(files, (file) => needed.get(file) ?? [])).toEqual([])
  })

  it("spells the names of an archive's manifest and verdict in one place", () => {
    // Beside it, prose; and files of that name that are others': of Step Functions' results, and of CDK's assembly.
    const others = /^(local\/asl\/states\/result-writer|local\/run\/(assembly|synthesised))\.ts$/
    const code = (file: string) => readFileSync(join(root, file), 'utf8').replace(/^\s*(\/?\*|\/\/).*$/gm, '')
    const spelt = files.filter(
      (file) => !others.test(file) && /['"`/}](manifest|verification)\.json['"`]/.test(code(file)),
    )
    expect(spelt).toEqual(['functions/domain/books/object-keys.ts'])
  })

  it('brings all that the product imports within its own files, and asks other CDK apps for what they have', () => {
    const { dependencies, devDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'devDependencies' | 'peerDependencies', Record<string, string> | undefined>
    const packages = new Set(
      imports
        .filter(({ to, typeOnly }) => !typeOnly && !/^(node:|#|functions|lib|local|bin|package\.json$)/.test(to))
        .map(({ to }) => /^(@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? to),
    )
    expect(dependencies).toBeUndefined()
    expect([...packages].filter((name) => !(name in (devDependencies ?? {}))).toSorted()).toEqual([])
    expect(Object.keys(peerDependencies ?? {})).toEqual(['aws-cdk-lib', 'constructs'])
  })

  it('gives operations only the types of provider, reader and store', () => {
    const values = imports.filter((one) => one.from.startsWith('functions/operations/') && !one.typeOnly)
    const outside = values.filter(
      (one) =>
        !/^(node:|zod$|functions\/(contracts|domain|archive-formats|catalogue-page|report-page|operations)\/)/.test(
          one.to,
        ),
    )
    expect(outside.map((one) => `${one.from} imports ${one.to}`)).toEqual([])
    expect(
      breaches(/^functions\/operations\//, [
        /^zod$/,
        /^functions\/(contracts|domain|archive-formats|catalogue-page|report-page|operations)\//,
        /^functions\/(providers\/(?:capabilities\/)?[a-z-]+(?<!registry)|readers\/reader|writers\/(disk-writer|writer)|aws\/(archive|version)-store)\.ts$/,
      ]),
    ).toEqual([])
  })

  it('reads and writes stored JSON in operations/books alone', () => {
    const operations = files.filter((file) => /^functions\/operations\/(?!books\/)/.test(file))
    expect(operations.length).toBeGreaterThan(50)
    const saying = (words: RegExp) => operations.filter((file) => words.test(readFileSync(join(root, file), 'utf8')))
    expect(saying(/\bJSON\.parse\b|\bparseJson\b|\bsafeJson\b/)).toEqual([])
    // Neither writes what it makes: an error's cause as Lambda words it, and what a checksum is over.
    const unwritten = [
      'functions/operations/catalogue/catalogue-index.ts',
      'functions/operations/transfer/deal-round.ts',
    ]
    expect(saying(/\bJSON\.stringify\b/)).toEqual(unwritten)
  })

  it('keeps handlers to one operation and the runtime', () => {
    const handlers = files.filter((file) => file.startsWith('functions/handlers/'))
    expect(handlers.length).toBeGreaterThan(0)
    expect(breaches(/^functions\/handlers\//, [/^functions\/(operations|runtime)\//], false)).toEqual([])
    for (const file of handlers) {
      const text = readFileSync(join(root, file), 'utf8')
      expect(text.split('\n').length, file).toBeLessThanOrEqual(25)
      expect(
        imports.filter((one) => one.from === file && one.to.startsWith('functions/operations/')),
        file,
      ).toHaveLength(1)
      expect(text, file).not.toMatch(/\btry\b|process\.env|Command\(/)
    }
  })

  it('keeps run time and synth time apart', () => {
    expect(breaches(/^functions\//, [/^(?!aws-cdk-lib|constructs|cdk-nag|lib\/|local\/)/])).toEqual([])
    expect(
      breaches(/^lib\//, [
        /^(aws-cdk-lib|constructs|cdk-nag|esbuild|zod)(\/|$)/,
        /^lib\//,
        // What stands in for it in the installed package is in `lib` too.
        /^#(deployments|handler-code)$/,
        /^functions\/(contracts|domain)\//,
        // Of the platforms, what a job may say of them.
        /^functions\/providers\/registry\.ts$/,
      ]),
    ).toEqual([])
  })

  it('keeps the judging of rights to itself, and the embedded S3 to that and itself', () => {
    expect(breaches(/^local\/iam\//, [/^local\/iam\//, /^zod$/])).toEqual([])
    expect(breaches(/^local\/s3\//, [/^local\/(s3|iam)\//, /^(zod|commander|fast-xml-parser)$/])).toEqual([])
    expect(breaches(/^local\/asl\//, [/^local\/asl\//, /^(zod|commander|jsonata)$/])).toEqual([])
    expect(
      breaches(/^local\/labs\//, [/^local\/labs\//, /^(zod|commander|fast-xml-parser|ssh2|tar-stream|undici)$/]),
    ).toEqual([])
  })

  it('lets only bin import local', () => {
    expect(imports.filter((one) => one.to.startsWith('local/') && !/^(local|bin)\//.test(one.from))).toEqual([])
  })

  it('names platforms in one file outside their folders', () => {
    const naming = imports.filter(
      (one) =>
        /^functions\/providers\/(?!capabilities\/)[^/]+\//.test(one.to) &&
        !/^functions\/providers\/[^/]+\//.test(one.from),
    )
    const allowed = (from: string) =>
      from === 'functions/providers/registry.ts' || /^local\/(?:labs\/proxmox|replay|verdicts)\//.test(from)
    expect(naming.filter((one) => !allowed(one.from))).toEqual([])
  })

  it("keeps names of a platform's privileges inside the platform", () => {
    const privileges = /\b(?:VM|Datastore|Sys|Pool|SDN|Mapping)\.[A-Z][A-Za-z.]+\b/
    const outside = files.filter(
      (file) => !/^(?:functions\/(?:providers|azure-api|vsphere-api)|local\/labs|local\/verdicts)\//.test(file),
    )
    expect(outside.length).toBeGreaterThan(300)
    expect(outside.filter((file) => privileges.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
  })

  it('keeps platform words inside the platform', () => {
    const words = /\bupid\b|\bvolid\b|\bvzdump\b/i
    // The formats are the platform's own, names of files in them included.
    const outside = files.filter(
      (file) => file.startsWith('functions/') && !/^functions\/(providers\/proxmox|archive-formats)\//.test(file),
    )
    // Prose may name them to explain; code may not.
    const uses = (file: string) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .filter((line) => words.test(line) && !/^\s*(\*|\/\*\*|\/\/)/.test(line) && !/\/\*\*|\/\//.test(line))
    const found = outside.flatMap((file) => uses(file).map((line) => `${file}: ${line.trim()}`))
    expect(found).toEqual([])
  })
})
