/** Whether a guest can be made under an id, or in place of the one that has it. */
import { GuestIdInUse } from '../../contracts/errors.ts'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { IntendedRestore } from '../capabilities/restores.ts'
import type { FoundGuest } from '../guest-facts.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { isOn } from './property-parts.ts'
import { readConfiguration } from './guest-identities.ts'
import { guestStatusSchema, text } from './schemas.ts'

/** GET /cluster/nextid?vmid=: the id, where it is free in the whole cluster, whatever the account is shown. */
const nextIdSchema = text

export interface IdCheck {
  isFree(id: string): Promise<boolean>
  /** @param present the guest that has the id, as far as the account is shown it */
  findings(intended: IntendedRestore, present: FoundGuest | undefined): Promise<RestoreFinding[]>
}

export function openIdCheck(client: ApiClient, siteName: string): IdCheck {
  const site = `Site ${siteName}`
  const refusal = (name: RestoreFinding['name'], message: string): RestoreFinding => ({
    name,
    level: 'refusal',
    message,
  })

  async function isFree(id: string): Promise<boolean> {
    try {
      await client.get(
        `/cluster/nextid${apiQuery({ vmid: id })}`,
        nextIdSchema,
        client.about(`look whether id ${id} is free`),
      )
      return true
    } catch (error) {
      if (error instanceof GuestIdInUse) return false
      throw error
    }
  }

  async function findings({ target, archive }: IntendedRestore, present: FoundGuest | undefined) {
    const { id, node, replace = false } = target
    if (present === undefined) {
      if (await isFree(id)) return []
      return [
        refusal(
          'guest-hidden',
          `${site}: id ${id} is taken by a guest that ${client.about('look').account} isn't shown. Choose another id, or grant VM.Audit on /vms/${id}.`,
        ),
      ]
    }
    const who = `${present.kind} ${id} (${present.name || 'no name'}) on node ${present.node}`
    if (!replace) {
      return [refusal('id-in-use', `${site}: id ${id} is taken by ${who}. Choose another id, or replace that guest.`)]
    }
    if (present.kind !== archive.guest.kind) {
      return [refusal('guest-of-other-kind', `${site}: ${who} can't be replaced by a ${archive.guest.kind}.`)]
    }
    if (present.node !== node) {
      return [refusal('guest-elsewhere', `${site}: ${who} can't be replaced on node ${node}. Name its own node.`)]
    }
    return await replaceFindings(present, who)
  }

  /** A guest that runs, is protected or is worked on is not replaced, whoever asks. */
  async function replaceFindings(present: FoundGuest, who: string): Promise<RestoreFinding[]> {
    const found: RestoreFinding[] = []
    const { id, kind, node, lock } = present
    const folder = kind === 'vm' ? 'qemu' : 'lxc'
    const about = client.about("read the guest's state", { node, guest: id })
    const path = apiPath`/nodes/${node}/${folder}/${id}/status/current`
    const { status } = (await client.get(path, guestStatusSchema, about)).data
    const config = await readConfiguration(client, present)
    if (status === 'running') found.push(refusal('guest-running', `${site}: ${who} runs. Stop it to replace it.`))
    if (isOn(config['protection'] ?? '0')) {
      const message = `${site}: ${who} is protected. Take its protection off to replace it.`
      found.push(refusal('guest-protected', message))
    }
    if (lock !== undefined) {
      found.push(
        refusal('guest-locked', `${site}: ${who} is locked (${lock}): something works on it. Wait until it has ended.`),
      )
    }
    return found
  }

  return { isFree, findings }
}
