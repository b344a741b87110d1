/** Asks a site all that is to be known of a target before a restore. Changes nothing. */
import * as z from 'zod'
import type { RestoreFinding } from '../../contracts/restore.ts'
import type { IntendedRestore, TargetReport } from '../capabilities/restores.ts'
import type { MissingPrivilege } from '../intended-work.ts'
import type { Provider } from '../provider.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { clusterIdOf } from './cluster-id.ts'
import type { Permissions } from './privileges.ts'
import { importFindings } from './import-findings.ts'
import { archiveFindings, clusterFindings, privilegeFindings, versionFindings } from './restore-findings.ts'
import { needsOf, type RestoreNeeds } from './restore-needs.ts'
import { openIdCheck } from './restore-id.ts'
import { missingForRestore, usesBridge } from './restore-privileges.ts'
import { storageFindings } from './restore-storages.ts'
import { nodeRowsSchema, permissionsSchema, text, versionSchema } from './schemas.ts'
import { storagesOf } from './storage-state.ts'
import { isAtLeast } from './versions.ts'

/** GET /nodes/{n}/network. Strict: a bridge that is overlooked would count as missing. */
const bridgeRowsSchema = z.array(z.object({ iface: text }))

export interface TargetCheck {
  checkTarget(intended: IntendedRestore): Promise<TargetReport>
  missingPrivileges(intended: IntendedRestore): Promise<MissingPrivilege[]>
  isFree(id: string): Promise<boolean>
}

export function openTargetCheck(client: ApiClient, siteName: string, findGuests: Provider['findGuests']): TargetCheck {
  const site = `Site ${siteName}`
  const ids = openIdCheck(client, siteName)
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
      ...importFindings(intended, needs, version, site),
      ...clusterFindings(intended.clusterId, cluster, site),
      ...versionFindings(intended, version, site),
      ...privilegeFindings(missingForRestore(permissions, intended, needs, version), account, site, archive.guest.id),
    ]
    const ofNode = await nodeFinding(target.node)
    const presence = present === undefined ? {} : { present }
    // What lies on a node that doesn't answer can't be asked for.
    if (ofNode !== undefined) return { findings: [...findings, ofNode], ...presence }
    findings.push(...(await ids.findings(intended, present)))
    const at = `${site}, node ${target.node}`
    const storages = await storagesOf(client, target.node)
    findings.push(...storageFindings(intended, needs, { at, account, storages }))
    if (needs !== undefined) findings.push(...(await bridgeFindings(target.node, needs, permissions, version)))
    return { findings, ...presence }
  }

  return {
    checkTarget,
    isFree: (id) => ids.isFree(id),
    async missingPrivileges(intended) {
      const { permissions, version } = await rights()
      return missingForRestore(permissions, intended, needsOf(intended), version)
    },
  }
}
