/** The file of a deployment: TypeScript, JSON, JSON with comments, or YAML, all under the deployment's name. */
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deploymentsFolder, deploymentsShown } from '#deployments'
import {
  type Deployment,
  DeploymentConfigError,
  parseDeployment,
  type WrittenText,
} from '../../lib/deployment-config.ts'
import { literalPlaces } from '../../lib/literal-places.ts'
import { readDocument } from '../documents/read-document.ts'

const ENDINGS = ['.ts', '.json', '.jsonc', '.yaml', '.yml']

/** Where deployments lie, and as messages name it. */
export interface DeploymentsFolder {
  folder: URL
  shown: string
}

const own: DeploymentsFolder = { folder: deploymentsFolder, shown: deploymentsShown }

/**
 * Read the deployment that the context names: `cdk deploy -c deployment=<name>` reads `lib/deployments/<name>.ts`, or a
 * file of that name in another form; `cdk.json` holds the default.
 * @throws DeploymentConfigError
 */
export async function readDeployment(
  context: { tryGetContext(key: string): unknown },
  from: DeploymentsFolder = own,
): Promise<Deployment> {
  const file = await fileOf(context.tryGetContext('deployment'), from)
  const { config, written } = await (extname(file) === '.ts' ? readCode(file, from) : readWritten(file, from))
  const parsed = parseDeployment(config, `${from.shown}/${file}`, written)
  requireOwnName(file, parsed, from)
  return parsed
}

/** The one file of that name. */
async function fileOf(name: unknown, { folder, shown }: DeploymentsFolder): Promise<string> {
  const files = (await readdir(folder).catch(() => [])).filter((file) => ENDINGS.includes(extname(file)))
  const [file, ...others] = files.filter((one) => nameOf(one) === name)
  if (file === undefined) {
    const names = [...new Set(files.map(nameOf))]
    const there = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`
    throw new DeploymentConfigError(
      `No deployment ${JSON.stringify(name)} in ${shown}; ${there}. ` +
        'Name one: --deployment <name>, or to cdk: -c deployment=<name>.',
    )
  }
  if (others.length > 0) {
    throw new DeploymentConfigError(`${shown} holds ${[file, ...others].join(' and ')}: keep one of them.`)
  }
  return file
}

function nameOf(file: string): string {
  return file.slice(0, -extname(file).length)
}

interface Read {
  config: unknown
  written: WrittenText
}

async function readCode(file: string, { folder, shown }: DeploymentsFolder): Promise<Read> {
  const source = new URL(file, folder)
  const { deployment }: { deployment?: unknown } = await import(source.href).catch((error: unknown) => {
    if (!(error instanceof SyntaxError)) throw error
    throw new DeploymentConfigError(`${shown}/${file} is no TypeScript: ${error.message}`, { cause: error })
  })
  if (deployment === undefined) {
    throw new DeploymentConfigError(`${shown}/${file} has to export a constant called deployment`)
  }
  const text = await readFile(source, 'utf8')
  return { config: deployment, written: { text, root: literalPlaces(text, 'deployment') } }
}

async function readWritten(file: string, { folder, shown }: DeploymentsFolder): Promise<Read> {
  const { value, text, root } = await readDocument(fileURLToPath(new URL(file, folder)), {
    noun: 'deployment',
    page: 'docs/deployments.md',
    shown: `${shown}/${file}`,
    error: (message, options) => new DeploymentConfigError(message, options),
  })
  return { config: value, written: { text, root } }
}

/** A file that was copied and kept its name would deploy over the stacks of the one that it was copied from. */
function requireOwnName(file: string, { name }: Deployment, { shown }: DeploymentsFolder): void {
  if (name === nameOf(file)) return
  throw new DeploymentConfigError(
    `${shown}/${file} has the name ${name}, so it would change the stacks of the deployment ${name}. ` +
      `Write the name ${nameOf(file)} in it, or call the file ${name}${extname(file)}.`,
  )
}
