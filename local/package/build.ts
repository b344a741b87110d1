/** `npm run build`: makes `dist` of the sources, which is what the package consists of. */
import { chmod, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildOptions } from 'esbuild'
import { synthesise } from '../run/assembly.ts'
import { readAssembly } from '../run/synthesised.ts'
import { packedTypes } from './types.ts'

const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const dist = source('dist')

/** As `imports` in package.json names what stands in for the sources. */
const packed = {
  bundle: true,
  conditions: ['packed', 'module'],
  platform: 'node',
  // Names stay, so that a stack trace says where it was.
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['cpu-features'],
  loader: { '.node': 'empty' },
  logLevel: 'warning',
} satisfies BuildOptions

/** The command line: what it needs at once in one file, and what single commands need in others. */
async function buildCommandLine(): Promise<void> {
  await build({
    ...packed,
    entryPoints: [source('bin/guestlift.ts'), source('local/run/function-process.ts')],
    outdir: join(dist, 'cli'),
    entryNames: '[name]',
    format: 'esm',
    splitting: true,
    target: 'node22.21',
    mainFields: ['module', 'main'],
    // ssh2 is CommonJS and asks for these, which an ES module doesn't have.
    banner: {
      js: [
        "import { createRequire as ownRequireOf } from 'node:module'",
        'const require = ownRequireOf(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname',
      ].join(';'),
    },
  })
}

/** What other CDK apps import. CommonJS, which every app can load, whichever kind it is itself. */
async function buildConstructs(): Promise<void> {
  const folder = join(dist, 'constructs')
  await build({
    ...packed,
    // Node.js shows the line that an uncaught error comes from.
    minifyWhitespace: false,
    entryPoints: [source('lib/index.ts')],
    outfile: join(folder, 'index.cjs'),
    format: 'cjs',
    target: 'node20',
    external: ['aws-cdk-lib', 'constructs'],
    define: { 'import.meta.url': 'ownUrl' },
    banner: { js: "const ownUrl = require('node:url').pathToFileURL(__filename).href" },
  })
  await writeFile(join(folder, 'index.d.cts'), await packedTypes(new URL('../../lib/public-types.ts', import.meta.url)))
}

/** Definitions and functions as local runs use them; the constructs take the same functions from here. */
async function copyAssembly(): Promise<void> {
  const made = await synthesise(() => process.stderr.write('Synthesising the app …\n'))
  const folder = join(dist, 'assembly')
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(made)) {
    const isRead = !/^(tree|validation-report|performance-counters)\.json$|\.metadata\.json$/.test(name)
    // Maps are half as large again as the functions; without one, a trace names places in the bundle.
    if (isRead)
      await cp(join(made, name), join(folder, name), { recursive: true, filter: (path) => !path.endsWith('.map') })
  }
  const { functions } = await readAssembly(folder, { archiveBucket: 'archives' })
  const folders = Object.values(functions).map(({ stem, directory }) => [stem, basename(directory)])
  await writeFile(join(folder, 'functions.json'), `${JSON.stringify(Object.fromEntries(folders), null, 2)}\n`)
}

await rm(dist, { recursive: true, force: true })
await Promise.all([buildCommandLine(), buildConstructs(), copyAssembly()])
await chmod(source('bin/guestlift.js'), 0o755)
