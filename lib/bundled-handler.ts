import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AssetHashType, DockerImage } from 'aws-cdk-lib'
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda'
import { type BuildOptions, buildSync } from 'esbuild'

/**
 * The code of one function: its handler and all that it imports in one file, `index.js`, which exports `handler`.
 * esbuild works inside this process. `NodejsFunction` starts it by npx, which takes several times as long as the bundling.
 * @param stem names the handler's file, as `copy-parts`
 */
export function bundledHandler(stem: string): AssetCode {
  const entry = fileURLToPath(new URL(`../functions/handlers/${stem}.ts`, import.meta.url))
  return Code.fromAsset(root, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('never-asked-for'),
      // CDK bundles once what has equal options; this tells the handlers apart.
      command: [stem],
      local: {
        tryBundle: (outputFolder) => {
          bundle(entry, outputFolder)
          return true
        },
      },
    },
  })
}

const root = fileURLToPath(new URL('../functions/', import.meta.url))

/** What decides which code is in a function's bundle. */
export const handlerBundling = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  // CommonJS: ssh2 asks for node's modules and for __dirname, which esbuild's ESM output doesn't offer.
  format: 'cjs',
  // The runtime's own SDK changes under us; and with `module` first the S3 client is a quarter smaller.
  mainFields: ['module', 'main'],
  // Both are optional speed-ups of ssh2, compiled for this machine and not for Lambda's. It goes on without them.
  external: ['cpu-features'],
  loader: { '.node': 'empty' },
  logLevel: 'warning',
} satisfies BuildOptions

function bundle(entry: string, folder: string): void {
  buildSync({
    ...handlerBundling,
    entryPoints: [entry],
    outfile: join(folder, 'index.js'),
    sourcemap: true,
    sourcesContent: false,
  })
  // Without it the bundle would be read as ESM here, below a package.json of type module, and as CommonJS on Lambda.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'commonjs' }))
}
