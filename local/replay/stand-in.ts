/** Plain answers of a healthy site to the calls that surround the one that is looked at. */
import { answer, data, type Reply, type SeenRequest } from './byte-server.ts'

const STAND_IN_UPID = 'UPID:pve1:00000001:00000001:6B0327BB:vzdump:100:backup@pve!client:'

const answers: [method: string, path: RegExp, data: unknown][] = [
  ['POST', /^\/access\/ticket$/, { ticket: 'PVE:stand@in:whole', CSRFPreventionToken: 'stand-in' }],
  ['GET', /^\/version$/, { version: '9.2.11', release: '9.2' }],
  ['GET', /^\/access\/permissions$/, { '/': {} }],
  ['POST', /\/vzdump$/, STAND_IN_UPID],
  ['GET', /\/tasks\/[^/]+\/status$/, { status: 'stopped', exitstatus: 'OK' }],
  ['GET', /\/(?:qemu|lxc)\/\d+\/status\/current$/, { status: 'running', vmid: 100 }],
  ['GET', /\/(?:qemu|lxc)\/\d+\/config$/, {}],
  ['POST', /\/(?:qemu|lxc)\/\d+\/status\/\w+$/, STAND_IN_UPID],
  ['GET', /\/content\/.+$/, { path: '/mnt/pve/store/dump/stand-in', notes: '', protected: 0 }],
  ['PUT', /\/content\/.+$/, null],
  ['DELETE', /\/(?:content|tasks)\/.+$/, null],
  ['GET', /./, []],
]

/** Path below `/api2/json`, decoded. */
export function standIn({ method, path }: Pick<SeenRequest, 'method' | 'path'>): Reply {
  const found = answers.find(([verb, pattern]) => verb === method && pattern.test(path))
  return found === undefined ? answer(501, `Method '${method} ${path}' not implemented`) : data(found[2])
}
