/** What the server says about itself. */
import { ref, string, structure, type Structure } from '../wire/values.ts'
import type { Product } from '../world/world.ts'
import { rootId } from '../world/build-inventory.ts'
import type { World } from '../world/world.ts'

const BUILD = '23319993'

export function aboutHost({ apiVersion, version }: Pick<Product, 'apiVersion' | 'version'>): Structure {
  return structure('AboutInfo', {
    name: string('VMware ESXi'),
    fullName: string(`VMware ESXi ${version} build-${BUILD}`),
    vendor: string('VMware, Inc.'),
    version: string(version),
    build: string(BUILD),
    localeVersion: string('INTL'),
    localeBuild: string('000'),
    osType: string('vmnix-x86'),
    productLineId: string('embeddedEsx'),
    apiType: string('HostAgent'),
    apiVersion: string(apiVersion),
    licenseProductName: string('VMware ESX Server'),
    licenseProductVersion: string(version.split('.').slice(0, 2).join('.')),
  })
}

function aboutCenter({ apiVersion, version, instanceUuid }: Product): Structure {
  return structure('AboutInfo', {
    name: string('VMware vCenter Server'),
    fullName: string(`VMware vCenter Server ${version} build-${BUILD}`),
    vendor: string('VMware, Inc.'),
    version: string(version),
    build: string(BUILD),
    localeVersion: string('INTL'),
    localeBuild: string('000'),
    osType: string('linux-x64'),
    productLineId: string('vpx'),
    apiType: string('VirtualCenter'),
    apiVersion: string(apiVersion),
    instanceUuid: string(instanceUuid),
    licenseProductName: string('VMware VirtualCenter Server'),
    licenseProductVersion: string(version.split('.').slice(0, 2).join('.')),
  })
}

/** Objects of the server by type: their ids differ between a vCenter and a host. */
export function singletons({ kind }: Pick<Product, 'kind'>): Record<string, string> {
  const isHost = kind === 'host'
  return {
    ServiceInstance: 'ServiceInstance',
    PropertyCollector: isHost ? 'ha-property-collector' : 'propertyCollector',
    ViewManager: 'ViewManager',
    SessionManager: isHost ? 'ha-sessionmgr' : 'SessionManager',
    AuthorizationManager: isHost ? 'ha-authmgr' : 'AuthorizationManager',
    TaskManager: isHost ? 'ha-taskmgr' : 'TaskManager',
    SearchIndex: isHost ? 'ha-searchindex' : 'SearchIndex',
    FileManager: isHost ? 'ha-nfc-file-manager' : 'FileManager',
    VirtualDiskManager: isHost ? 'ha-vdiskmanager' : 'virtualDiskManager',
  }
}

export function serviceContent(world: World): Structure {
  const ids = singletons(world.product)
  const one = (type: string) => ref(type, ids[type] ?? type)
  return structure('ServiceContent', {
    rootFolder: ref('Folder', rootId(world)),
    propertyCollector: one('PropertyCollector'),
    viewManager: one('ViewManager'),
    about: world.product.kind === 'host' ? aboutHost(world.product) : aboutCenter(world.product),
    sessionManager: one('SessionManager'),
    authorizationManager: one('AuthorizationManager'),
    taskManager: one('TaskManager'),
    searchIndex: one('SearchIndex'),
    fileManager: one('FileManager'),
    virtualDiskManager: one('VirtualDiskManager'),
  })
}
