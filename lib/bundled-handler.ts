import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AssetHashType, DockerImage } from 'aws-cdk-lib'
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda'
import { buildSync } from 'esbuild'
import { handlerBundling } from './handler-bundling.ts'

/**
 * The code of one function: its handler and all that it imports in one file, `index.js`, which exports `handler`.
 * esbuild works inside this process. `NodejsFunction` starts it by npx, which takes several times as long as the bundling.
 * @param stem names the handler's file, as `copy-parts`
 * @param registry path of a module that stands in for the product's own registry of platforms
 */
export function bundledHandler(stem: string, registry?: string): AssetCode {
  const entry = fileURLToPath(new URL(`../functions/handlers/${stem}.ts`, import.meta.url))
  return Code.fromAsset(root, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('never-asked-for'),
      // CDK bundles once what has equal options; this tells the handlers apart.
      command: [stem, ...(registry === undefined ? [] : [registry])],
      local: {
        tryBundle: (outputFolder) => {
          bundle(entry, outputFolder, registry)
          return true
        },
      },
    },
  })
}

const root = fileURLToPath(new URL('../functions/', import.meta.url))

function bundle(entry: string, folder: string, registry: string | undefined): void {
  buildSync({
    ...handlerBundling,
    ...(registry === undefined ? {} : { alias: { '#platforms': registry } }),
    entryPoints: [entry],
    outfile: join(folder, 'index.js'),
    sourcemap: true,
    sourcesContent: false,
  })
  // Without it the bundle would be read as ESM here, below a package.json of type module, and as CommonJS on Lambda.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'commonjs' }))
}
