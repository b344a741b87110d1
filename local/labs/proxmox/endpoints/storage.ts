/** Storages: configuration, status on a node, and what they refuse. */
import { createHash } from 'node:crypto'
import { failure, parameterError, permissionError } from '../api-error.ts'
import { may } from '../permissions.ts'
import type { Call, Endpoint } from '../rest.ts'
import { downloadFile } from '../restore/download.ts'
import { activeStorage, usage } from '../storage-files.ts'
import { findStorage, type LabStorage, onNode, type World } from '../world.ts'

const AUDIT = ['/storage/{storage}', 'Datastore.Audit', 'Datastore.AllocateSpace'] as const

const visible = (world: World, who: string, storage: LabStorage): boolean =>
  may(world.site, who, `/storage/${storage.id}`, 'Datastore.Audit', 'Datastore.AllocateSpace')

export function statusOf(world: World, storage: LabStorage, node: string): Record<string, unknown> {
  const active = storage.online && !storage.disabled
  const sizes = active ? usage(world, storage, node) : { total: 0, used: 0, avail: 0 }
  return {
    type: storage.type,
    content: storage.content.join(','),
    enabled: storage.disabled ? 0 : 1,
    active: active ? 1 : 0,
    shared: storage.shared ? 1 : 0,
    ...sizes,
  }
}

function listOnNode({ world, caller, values, node }: Call): unknown {
  const only = values['storage']
  if (only !== undefined && findStorage(world, only) === undefined)
    throw parameterError({ storage: 'No such storage.' })
  const wanted = values['content']?.split(',')
  return world.site.storages
    .filter((storage) => onNode(storage, node) && visible(world, caller.who, storage))
    .filter((storage) => only === undefined || storage.id === only)
    .filter(
      (storage) =>
        wanted === undefined || (!storage.disabled && wanted.some((content) => storage.content.includes(content))),
    )
    .filter((storage) => values['enabled'] !== '1' || !storage.disabled)
    .map((storage) => {
      const status = statusOf(world, storage, node)
      const total = Number(status['total'])
      return { storage: storage.id, ...status, ...(total > 0 ? { used_fraction: Number(status['used']) / total } : {}) }
    })
}

function configRow(world: World, storage: LabStorage): Record<string, unknown> {
  const digest = createHash('sha1').update(JSON.stringify(world.site.storages)).digest('hex')
  return {
    storage: storage.id,
    type: storage.type,
    path: storage.path,
    content: storage.content.join(','),
    digest,
    ...(storage.disabled ? { disable: 1 } : {}),
    ...(storage.isMountpoint ? { is_mountpoint: '1' } : {}),
    ...(storage.pruneBackups === undefined ? {} : { 'prune-backups': storage.pruneBackups }),
    ...(storage.nodes === undefined ? {} : { nodes: storage.nodes.join(',') }),
    ...(storage.shared ? { shared: 1 } : {}),
  }
}

const SUBDIRECTORIES = [
  'content',
  'download-url',
  'file-restore',
  'import-metadata',
  'identity',
  'oci-registry-pull',
  'prunebackups',
  'rrd',
  'rrddata',
  'status',
  'upload',
]

const UPLOAD_CONTENT = { type: 'string', required: true, oneOf: ['iso', 'vztmpl', 'import'] } as const
const CHECKSUM = {
  checksum: { type: 'string', needs: 'checksum-algorithm' },
  'checksum-algorithm': {
    type: 'string',
    oneOf: ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'],
    needs: 'checksum',
  },
} as const

/** What may be fetched for which content, by the name's ending. */
const FETCHABLE: Record<string, RegExp> = {
  iso: /\.(?:iso|img)$/i,
  vztmpl: /\.tar(?:\.(?:gz|xz|zst|bz2))?$/,
  import: /^[\w.+-]+\.(?:ova|qcow2|raw|vmdk)$/,
}

function download({ world, caller, values, node }: Call): string {
  const { storage: id = '', content = '', filename = '', url = '' } = values
  const mayLookAround =
    may(world.site, caller.who, `/nodes/${node}`, 'Sys.AccessNetwork') ||
    (may(world.site, caller.who, '/', 'Sys.Audit') && may(world.site, caller.who, '/', 'Sys.Modify'))
  if (!mayLookAround) throw permissionError(`/nodes/${node}, Sys.AccessNetwork`)
  const storage = activeStorage(world, id, node)
  if (!storage.content.includes(content)) {
    throw failure(`storage '${id}' is not configured for content-type '${content}'`)
  }
  if (FETCHABLE[content]?.test(filename) !== true) {
    throw parameterError({ filename: 'invalid filename or wrong extension' })
  }
  if (content !== 'import') throw failure('the lab fetches disks alone')
  const { checksum, 'checksum-algorithm': algorithm } = values
  const what = { node, type: 'download', id: filename, user: caller.who }
  return world.tasks.start(what, (worker) =>
    downloadFile({
      world,
      worker,
      storage,
      node,
      fileName: filename,
      url,
      ...(checksum === undefined || algorithm === undefined ? {} : { checksum: { algorithm, value: checksum } }),
    }),
  )
}

const onlyPbs = (): never => {
  throw parameterError({ storage: 'Only PBS storages supported for file-restore.' })
}

export const storageEndpoints: Endpoint[] = [
  {
    method: 'GET',
    path: '/storage',
    parameters: { type: { type: 'string' } },
    run: ({ world, caller }) =>
      world.site.storages
        .filter((storage) => visible(world, caller.who, storage))
        .map((storage) => configRow(world, storage)),
  },
  {
    method: 'GET',
    path: '/storage/{storage}',
    permission: ['/storage/{storage}', 'Datastore.Allocate'],
    run: ({ world, values }) => {
      const storage = findStorage(world, values['storage'] ?? '')
      if (storage === undefined) throw failure(`storage '${values['storage']}' does not exist`)
      return configRow(world, storage)
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage',
    relayed: true,
    parameters: {
      content: { type: 'string', format: 'pve-storage-content-list' },
      enabled: { type: 'boolean' },
      format: { type: 'boolean' },
      storage: { type: 'string', format: 'pve-storage-id' },
      target: { type: 'string', format: 'pve-node' },
    },
    run: listOnNode,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}',
    permission: AUDIT,
    run: () => SUBDIRECTORIES.map((subdir) => ({ subdir })),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/status',
    relayed: true,
    permission: AUDIT,
    run: ({ world, values, node }) => {
      const storage = findStorage(world, values['storage'] ?? '')
      if (storage === undefined) throw failure(`storage '${values['storage']}' does not exist`)
      return statusOf(world, storage, node)
    },
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/identity',
    relayed: true,
    permission: AUDIT,
    run: () => {
      throw failure('get_identity not implemented for this plugin at /usr/share/perl5/PVE/Storage/Plugin.pm line 2681.')
    },
  },
  {
    method: 'POST',
    path: '/nodes/{node}/storage/{storage}/upload',
    relayed: true,
    permission: ['/storage/{storage}', 'Datastore.AllocateTemplate'],
    parameters: {
      ...CHECKSUM,
      content: UPLOAD_CONTENT,
      filename: { type: 'string', required: true, maxLength: 255 },
      tmpfilename: { type: 'string', pattern: /^\/var\/tmp\/pveupload-[0-9a-f]+$/ },
    },
    // Archives can't come in this way on a real node; images could, but nothing here needs them.
    run: () => {
      throw failure('the lab keeps no uploads')
    },
  },
  {
    method: 'POST',
    path: '/nodes/{node}/storage/{storage}/download-url',
    relayed: true,
    permission: ['/storage/{storage}', 'Datastore.AllocateTemplate'],
    parameters: {
      ...CHECKSUM,
      compression: { type: 'string' },
      content: UPLOAD_CONTENT,
      filename: { type: 'string', required: true, maxLength: 255 },
      url: { type: 'string', required: true, pattern: /^https?:\/\/.*$/ },
      'verify-certificates': { type: 'boolean' },
    },
    run: download,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/file-restore/list',
    relayed: true,
    parameters: { filepath: { type: 'string', required: true }, volume: { type: 'string', required: true } },
    run: onlyPbs,
  },
  {
    method: 'GET',
    path: '/nodes/{node}/storage/{storage}/file-restore/download',
    relayed: true,
    parameters: {
      filepath: { type: 'string', required: true },
      volume: { type: 'string', required: true },
      tar: { type: 'boolean' },
    },
    run: onlyPbs,
  },
]
