import { describe, expect, it } from 'vitest'
import { requestBody, responseOf, type VimCall } from '../../../functions/vsphere-api/soap.ts'
import { NotVim, VimFault } from '../../../functions/vsphere-api/vim-fault.ts'
import { childrenOf } from '../../../functions/vsphere-api/xml.ts'
import { callIn, noRecordings, pyvmomiRequests, soapRecordings } from './recordings.ts'

const vm = { type: 'VirtualMachine', id: 'vm-57' }
const snapshot = { type: 'VirtualMachineSnapshot', id: 'snapshot-71' }
const named = (type: string, id = type) => ({ type, id })

/** The calls that the client makes, with the values that VMware's client was given. */
const ours: VimCall[] = [
  { method: 'RetrieveServiceContent', on: named('ServiceInstance') },
  {
    method: 'Login',
    on: named('SessionManager'),
    args: [
      ['userName', 'user'],
      ['password', '*****'],
    ],
  },
  { method: 'Logout', on: named('SessionManager') },
  {
    method: 'CreateContainerView',
    on: named('ViewManager'),
    args: [
      ['container', named('Folder', 'group-d1')],
      ['type', 'VirtualMachine'],
      ['recursive', true],
    ],
  },
  { method: 'DestroyView', on: named('ContainerView', 'session[x]y') },
  {
    method: 'ContinueRetrievePropertiesEx',
    on: named('PropertyCollector', 'propertyCollector'),
    args: [['token', 'TOKEN']],
  },
  {
    method: 'CreateSnapshot_Task',
    on: vm,
    args: [
      ['name', 'guestlift-0123abcd'],
      ['description', 'made by guestlift'],
      ['memory', false],
      ['quiesce', true],
    ],
  },
  {
    method: 'RemoveSnapshot_Task',
    on: snapshot,
    args: [
      ['removeChildren', false],
      ['consolidate', true],
    ],
  },
  { method: 'ConsolidateVMDisks_Task', on: vm },
  { method: 'Destroy_Task', on: vm },
  { method: 'PowerOnVM_Task', on: vm },
  { method: 'PowerOffVM_Task', on: vm },
  { method: 'ShutdownGuest', on: vm },
  { method: 'CancelTask', on: named('Task', 'task-1') },
  {
    method: 'FindByUuid',
    on: named('SearchIndex'),
    args: [
      ['uuid', 'uuid'],
      ['vmSearch', true],
      ['instanceUuid', true],
    ],
  },
  { method: 'FindByInventoryPath', on: named('SearchIndex'), args: [['inventoryPath', '/DC0/vm/x']] },
  {
    method: 'FetchUserPrivilegeOnEntities',
    on: named('AuthorizationManager'),
    args: [
      ['entities', vm],
      ['userName', 'user'],
    ],
  },
]

describe('requests of the vSphere API', () => {
  it.skipIf(noRecordings !== undefined).each(ours)("$method is what VMware's own client writes", (call) => {
    expect(callIn(requestBody(call))).toBe(pyvmomiRequests().get(call.method))
  })
})

describe('recorded answers of the vSphere API', () => {
  const recordings = soapRecordings()

  it.skipIf(noRecordings !== undefined)('are there', () => {
    expect(recordings.length).toBeGreaterThan(50)
  })

  it.each(recordings)('$file is read for what it says', ({ exchanges }) => {
    for (const { request, response } of exchanges) {
      const [, method = 'Unknown'] = /<soapenv:Body><([A-Za-z_]+)/.exec(request.body ?? '') ?? []
      const body = response.body ?? ''
      // Told by the text alone: what the client makes of it has to agree.
      const [, fault] = /<\/faultstring><detail><\w+ [^>]*xsi:type="(\w+)"/.exec(body) ?? []
      const told = response.status === 200 ? [...body.matchAll(/<returnval[ />]/g)].length : (fault ?? 'no fault')
      expect(whatIsRead(method, response.status, body)).toBe(told)
    }
  })
})

/** How many values an answer has, or which fault it is. */
function whatIsRead(method: string, status: number, body: string): number | string {
  try {
    return childrenOf(responseOf(method, status, body), 'returnval').length
  } catch (error) {
    if (error instanceof VimFault) return error.type === '' ? 'no fault' : error.type
    if (error instanceof NotVim) return 'no fault'
    throw error
  }
}
