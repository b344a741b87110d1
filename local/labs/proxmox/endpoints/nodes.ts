/** Nodes themselves, and the indexes that list what lies under a path. */
import { unseenFingerprint } from '../identity.ts'
import { offsetSeconds } from '../node-time.ts'
import { nodeResource, nodeStatus } from '../node-status.ts'
import type { Endpoint } from '../rest.ts'
import { findNode, unixSeconds } from '../world.ts'

const AUDIT = ['/nodes/{node}', 'Sys.Audit'] as const

const index = (path: string, key: 'name' | 'subdir' | 'method', names: string): Endpoint => ({
  method: 'GET',
  path,
  run: () => names.split(' ').map((name) => ({ [key]: name })),
})

export const nodeEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/nodes',
    run: ({ world, caller }) =>
      world.site.nodes
        .filter((node) => node.member)
        .map((node) => ({
          ...nodeResource(world, caller.who, node),
          ssl_fingerprint: world.certificateFingerprint(node.name),
        })),
  },
  { method: 'GET', path: '/nodes/{node}/status', permission: AUDIT, run: ({ world }) => nodeStatus(world) },
  {
    method: 'GET',
    path: '/nodes/{node}/version',
    run: () => ({ version: '9.2.11', release: '9.2', repoid: '14a22df35955d97d' }),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/certificates/info',
    // For every account, and without asking another process: PVE/API2/Certificates.pm.
    run: ({ world, node }) => {
      const issuer = `/CN=Proxmox Virtual Environment/OU=${world.cluster().id}/O=PVE Cluster Manager CA`
      const name = findNode(world, node)?.name ?? ''
      return [
        {
          filename: 'pve-root-ca.pem',
          subject: issuer,
          issuer,
          fingerprint: unseenFingerprint(world.cluster().id, 'pve-root-ca.pem'),
        },
        {
          filename: 'pve-ssl.pem',
          subject: `/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN=${name}.lab`,
          issuer,
          fingerprint: world.certificateFingerprint(name),
        },
      ]
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/time',
    permission: AUDIT,
    run: ({ world, node }) => {
      const timezone = findNode(world, node)?.timezone ?? 'UTC'
      const time = unixSeconds(world)
      return { time, localtime: time + offsetSeconds(time, timezone), timezone }
    },
  },
  index('/', 'subdir', 'version cluster nodes storage access pools'),
  index('/access', 'subdir', 'users groups roles acl domains openid tfa ticket password'),
  index(
    '/cluster',
    'name',
    'acme backup backup-info bulk-action ceph config firewall ha jobs log mapping metrics notifications nextid options qemu replication resources status tasks sdn',
  ),
  index(
    '/nodes/{node}',
    'name',
    'aplinfo apt capabilities ceph certificates config disks dns firewall hardware hosts journal lxc migrateall netstat network qemu query-oci-repo-tags query-url-metadata replication report rrd rrddata scan sdn services spiceshell startall status stopall storage subscription suspendall syslog tasks termproxy time version vncshell vzdump wakeonlan',
  ),
  index('/nodes/{node}/scan', 'method', 'cifs iscsi lvm nfs pbs zfs'),
]
