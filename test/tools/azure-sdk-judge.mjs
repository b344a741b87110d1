/** Microsoft's own clients drive a whole cycle against a lab. Arguments: the folder of the clients, and the site as JSON. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [folder = '', text = ''] = process.argv.slice(2)
const load = createRequire(join(folder, 'package.json'))
const { ComputeManagementClient } = load('@azure/arm-compute')
const { ClientSecretCredential } = load('@azure/identity')
const { PageBlobClient } = load('@azure/storage-blob')

const { url, tenant, subscription, clientId, secret } = JSON.parse(text)
const options = { authorityHost: url, disableInstanceDiscovery: true }
const credential = new ClientSecretCredential(tenant, clientId, secret, options)
const compute = new ComputeManagementClient(credential, subscription, {
  endpoint: url,
  credentialScopes: ['https://management.azure.com/.default'],
})
const group = 'RG-PROD'
const told = {}

const vms = []
for await (const vm of compute.virtualMachines.listAll()) vms.push(vm)
told.vms = vms.map(({ name, vmId }) => [name, vmId])
const vm = await compute.virtualMachines.get(group, 'web1', { expand: 'instanceView' })
told.power = vm.instanceView.statuses.map(({ code }) => code)

const source = { location: vm.location, source: { id: vm.id } }
await compute.restorePointCollections.createOrUpdate(group, 'guestlift-web1', source)
const done = { updateIntervalInMs: 1 }
const wait = (poller) => poller.pollUntilDone()
await wait(compute.restorePoints.create(group, 'guestlift-web1', 'run-1', {}, done))
const point = await compute.restorePoints.get(group, 'guestlift-web1', 'run-1', { expand: 'instanceView' })
const disk = point.sourceMetadata.storageProfile.osDisk.diskRestorePoint.id.split('/').at(-1)
told.point = [point.provisioningState, point.instanceView.diskRestorePoints.length]
const on = [group, 'guestlift-web1', 'run-1', disk]
const read = { access: 'Read', durationInSeconds: 3600 }
const { accessSAS } = await wait(compute.diskRestorePoint.grantAccess(...on, read, done))

const blob = new PageBlobClient(accessSAS)
const { contentLength, etag } = await blob.getProperties()
const range = await blob.downloadToBuffer(0, 1024 ** 2)
const sum = await blob.download(0, 1024 ** 2, { rangeGetContentMD5: true, conditions: { ifMatch: etag } })
const pages = await blob.getPageRanges(0, contentLength)
told.blob = {
  contentLength,
  sumFits: Buffer.from(sum.contentMD5).equals(createHash('md5').update(range).digest()),
  pages: pages.pageRange.length,
}
told.keptBySas = await wait(compute.restorePoints.delete(group, 'guestlift-web1', 'run-1', done)).catch(
  ({ code }) => code,
)
await wait(compute.diskRestorePoint.revokeAccess(...on, done))
await wait(compute.restorePoints.delete(group, 'guestlift-web1', 'run-1', done))
await wait(compute.restorePointCollections.delete(group, 'guestlift-web1', done))

const [, data] = [vm.storageProfile.osDisk, vm.storageProfile.dataDisks[0].managedDisk.id]
const creationData = { createOption: 'Copy', sourceResourceId: data }
const snapshot = { location: vm.location, incremental: true, creationData, networkAccessPolicy: 'AllowAll' }
const taken = await wait(compute.snapshots.createOrUpdate(group, 'gl-run-1-0', snapshot, done))
told.snapshot = taken.provisioningState
await wait(compute.snapshots.delete(group, 'gl-run-1-0', done))

const upload = { createOption: 'Upload', uploadSizeBytes: 4 * 1024 ** 2 + 512 }
await wait(
  compute.disks.createOrUpdate(
    group,
    'restored',
    { location: vm.location, osType: 'Linux', creationData: upload },
    done,
  ),
)
const write = await wait(compute.disks.grantAccess(group, 'restored', { ...read, access: 'Write' }, done))
await new PageBlobClient(write.accessSAS).uploadPages(Buffer.alloc(512, 7), 0, 512)
await wait(compute.disks.revokeAccess(group, 'restored', done))
told.restored = (await compute.disks.get(group, 'restored')).diskState
await wait(compute.virtualMachines.powerOff(group, 'web1', done))
console.log(JSON.stringify(told))
