/** The types of the packed constructs, with the fields of a deployment written out of its schema. */
import { readFile } from 'node:fs/promises'
import { compile } from 'json-schema-to-typescript'
import { jsonSchemaOf } from '../schemas/json-schemas.ts'

/** What goes away: it needs zod, and half of the sources. */
const imports = /^(import|export) type \{ DeploymentConfig \} from '\.\/deployment-config\.ts'\n/gm

/** @param publicTypes `lib/public-types.ts` @returns a declaration file that stands alone beside aws-cdk-lib */
export async function packedTypes(publicTypes: URL): Promise<string> {
  const text = await readFile(publicTypes, 'utf8')
  const { title: _, ...schema } = jsonSchemaOf('deployment')
  const deployment = await compile(schema, 'DeploymentConfig', {
    additionalProperties: false,
    bannerComment: '/** A deployment, by the name that its stacks, workflows and functions have. */',
    ignoreMinAndMaxItems: true,
    format: false,
  })
  const declarations = text.replaceAll(imports, '').replace(/^\/\*\*[\s\S]*?\*\/\n/, '')
  return `${declarations}\n${deployment}`
}
