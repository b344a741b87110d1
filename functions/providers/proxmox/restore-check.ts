/** Asks a site all that is to be known of a target before a restore. Changes nothing. */
import * as z from 'zod'
import { GuestIdInUse } from '../../contracts/errors.ts'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { IntendedRestore, TargetReport } from '../capabilities/restores.ts'
import type { FoundGuest } from '../guest-facts.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import type { Provider } from '../provider.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { clusterIdOf } from './cluster-id.ts'
import { readConfiguration } from './guest-identities.ts'
import type { Permissions } from './privileges.ts'
import { archiveFindings, clusterFindings, privilegeFindings, versionFindings } from './restore-findings.ts'
import { needsOf, type RestoreNeeds } from './restore-needs.ts'
import { missingForRestore, usesBridge } from './restore-privileges.ts'
import { storageFindings } from './restore-storages.ts'
import { guestStatusSchema, nodeRowsSchema, permissionsSchema, text, versionSchema } from './schemas.ts'
import { storagesOf } from './storage-state.ts'
import { isOn } from './guest-disks.ts'
import { isAtLeast } from './versions.ts'

/** GET /nodes/{n}/network. Strict: a bridge that is overlooked would count as missing. */
const bridgeRowsSchema = z.array(z.object({ iface: text }))
/** GET /cluster/nextid?vmid=: the id, where it is free in the whole cluster, whatever the account is shown. */
const nextIdSchema = text

export interface TargetCheck {
  checkTarget(intended: IntendedRestore): Promise<TargetReport>
  missingPrivileges(intended: IntendedRestore): Promise<MissingPrivilege[]>
  isFree(id: string): Promise<boolean>
}

export function openTargetCheck(client: ApiClient, siteName: string, findGuests: Provider['findGuests']): TargetCheck {
  const site = `Site ${siteName}`
  const refusal = (name: RestoreFinding['name'], message: string): RestoreFinding => ({
    name,
    level: 'refusal',
    message,
  })

  async function rights(): Promise<{ permissions: Permissions; version: string }> {
    const about = client.about('read its permissions')
    const permissions = (await client.get('/access/permissions', permissionsSchema, about)).data
    const { version } = (await client.get('/version', versionSchema, client.about('ask for the version'))).data
    return { permissions, version }
  }

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

  async function idFindings({ target, archive }: IntendedRestore, present: FoundGuest | undefined) {
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
    const findings: RestoreFinding[] = []
    const { id, kind, node, lock } = present
    const folder = kind === 'vm' ? 'qemu' : 'lxc'
    const about = client.about("read the guest's state", { node, guest: id })
    const path = apiPath`/nodes/${node}/${folder}/${id}/status/current`
    const { status } = (await client.get(path, guestStatusSchema, about)).data
    const config = await readConfiguration(client, present)
    if (status === 'running') findings.push(refusal('guest-running', `${site}: ${who} runs. Stop it to replace it.`))
    if (isOn(config['protection'] ?? '0')) {
      const message = `${site}: ${who} is protected. Take its protection off to replace it.`
      findings.push(refusal('guest-protected', message))
    }
    if (lock !== undefined) {
      findings.push(
        refusal('guest-locked', `${site}: ${who} is locked (${lock}): something works on it. Wait until it has ended.`),
      )
    }
    return findings
  }

  async function nodeFinding(node: string): Promise<RestoreFinding | undefined> {
    const about = client.about('look for the nodes')
    const { data } = await client.get('/cluster/resources?type=node', nodeRowsSchema, about)
    const found = data.find((row) => row.node === node)
    if (found === undefined) {
      const names = data.map((row) => row.node).toSorted()
      return refusal('node-unknown', `${site} has no node ${node}. Its nodes: ${names.join(', ')}.`)
    }
    if (found.status === 'online') return undefined
    return refusal(
      'node-offline',
      `${site}: node ${node} is ${found.status ?? 'silent'}. Bring it back, or name another.`,
    )
  }

  /** A bridge that the account may use is listed to it, so one that isn't listed isn't there. */
  async function bridgeFindings(node: string, needs: RestoreNeeds, permissions: Permissions, version: string) {
    const wanted = needs.bridges.filter((bridge) => !isAtLeast(version, 8, 0) || usesBridge(permissions, bridge))
    if (wanted.length === 0) return []
    const about = client.about('list the bridges', { node })
    const path = apiPath`/nodes/${node}/network` + apiQuery({ type: 'any_bridge' })
    const listed = (await client.get(path, bridgeRowsSchema, about)).data.map(({ iface }) => iface)
    return wanted
      .filter(({ bridge }) => !listed.includes(bridge))
      .map(({ key, bridge }) =>
        refusal(
          'bridge-missing',
          `${site}, node ${node}: there is no bridge ${bridge}, which ${key} is on. Its bridges: ${listed.join(', ') || 'none'}. Name one in its place, as ${bridge}=${listed[0] ?? 'vmbr0'}, or make it.`,
        ),
      )
  }

  async function checkTarget(intended: IntendedRestore): Promise<TargetReport> {
    const { target, archive } = intended
    const needs = needsOf(intended)
    const { permissions, version } = await rights()
    const { account } = client.about('look')
    const cluster = intended.clusterId === undefined ? undefined : await clusterIdOf(client)
    const [present] = await findGuests([target.id])
    const findings = [
      ...archiveFindings(intended, needs, site),
      ...clusterFindings(intended.clusterId, cluster, site),
      ...versionFindings(intended, version, site),
      ...privilegeFindings(missingForRestore(permissions, intended, needs, version), account, site, archive.guest.id),
    ]
    const ofNode = await nodeFinding(target.node)
    const presence = present === undefined ? {} : { present }
    // What lies on a node that doesn't answer can't be asked for.
    if (ofNode !== undefined) return { findings: [...findings, ofNode], ...presence }
    findings.push(...(await idFindings(intended, present)))
    const at = `${site}, node ${target.node}`
    const storages = await storagesOf(client, target.node)
    findings.push(...storageFindings(intended, needs, { at, account, storages }))
    if (needs !== undefined) findings.push(...(await bridgeFindings(target.node, needs, permissions, version)))
    return { findings, ...presence }
  }

  return {
    checkTarget,
    isFree,
    async missingPrivileges(intended) {
      const { permissions, version } = await rights()
      return missingForRestore(permissions, intended, needsOf(intended), version)
    },
  }
}
