/**
 * The address that a disk is read by (`beginGetAccess`): whoever has it has the whole disk. It lives in memory alone, and
 * no message holds it.
 */
import * as z from 'zod'
import type { PageBlobLocation } from '../contracts/azure-access.ts'
import { parseJson } from '../domain/words/parse-json.ts'
import { type Arm, DISKS } from './arm.ts'
import { type AzureDeps, AzureRefusal, NoAzureAnswer } from './azure-line.ts'
import { isOver } from './operations.ts'

/** Seconds, as Azure's own tools see it; a busy region takes longer. */
const MOST_SECONDS = 180

const addressSchema = z.object({ accessSAS: z.string().min(1) })
const outputSchema = z.object({ properties: z.object({ output: addressSchema }) })

export interface DiskAccess {
  /** Of a disk, a snapshot, or a disk restore point. */
  resourceId: string
  seconds: number
  /** Of what is read. */
  format?: PageBlobLocation['format']
}

/** The same address, with more time, while one lives. @throws AzureRefusal, NoAzureAnswer, facts of logging in */
export async function beginAccess(
  arm: Arm,
  { resourceId, seconds, format }: DiskAccess,
  sleep: AzureDeps['sleep'],
): Promise<URL> {
  const body = { access: 'Read', durationInSeconds: seconds, ...(format === 'vhdx' ? { fileFormat: 'VHDX' } : {}) }
  const call = { method: 'POST' as const, path: `${resourceId}/beginGetAccess`, version: DISKS, body }
  const { content, operation } = await arm.write(call)
  if (operation === undefined) return addressIn(content)
  if (!(await isOver(arm, operation, MOST_SECONDS, sleep))) {
    throw new NoAzureAnswer(true, `no address of the disk came within ${MOST_SECONDS} s`)
  }
  const { statusPath, resultPath } = operation
  const ended = await arm.poll(resultPath ?? statusPath ?? '')
  const output = outputSchema.safeParse(ended.content)
  return addressIn(output.success ? output.data.properties.output : ended.content)
}

/**
 * Gives the address back; where there is none, nothing happens.
 * @returns false while Azure still works on it
 */
export async function endAccess(
  arm: Arm,
  resourceId: string,
  mostSeconds: number,
  sleep: AzureDeps['sleep'],
): Promise<boolean> {
  try {
    const call = { method: 'POST' as const, path: `${resourceId}/endGetAccess`, version: DISKS }
    const { operation } = await arm.write(call)
    return await isOver(arm, operation, mostSeconds, sleep)
  } catch (error) {
    if (error instanceof AzureRefusal && error.status === 404) return true
    throw error
  }
}

/** Nothing of the content is quoted: it is a secret. */
function addressIn(content: unknown): URL {
  const read = addressSchema.safeParse(typeof content === 'string' ? parseJson(content) : content)
  const url = read.success && URL.canParse(read.data.accessSAS) ? new URL(read.data.accessSAS) : undefined
  if (url?.protocol === 'https:') return url
  throw new NoAzureAnswer(true, 'the answer to beginGetAccess holds no address')
}
