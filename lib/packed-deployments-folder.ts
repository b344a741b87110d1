/** Stands in for `deployments-folder.ts` in the installed package: a CDK app keeps its deployments beside its own sources. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const deploymentsFolder = pathToFileURL(join(process.cwd(), 'deployments/'))
export const deploymentsShown = 'deployments'
