"""A backup of the lab by VMware's own Python client. Prints what it saw as JSON: what it can't read, it raises."""

import json
import ssl
import sys
import urllib.request

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl._create_unverified_context()
seen = {}


def connect(secret):
    return SmartConnect(host="127.0.0.1", port=port, user=user, pwd=secret, sslContext=context)


def finished(task):
    states = []
    while True:
        info = task.info
        states.append(info.state)
        if info.state in ("success", "error"):
            return info, states


def refused(act):
    try:
        act()
    except vmodl.MethodFault as fault:
        return type(fault).__name__
    return "nothing"


try:
    connect("wrong")
    seen["wrong login"] = "nothing"
except vim.fault.InvalidLogin as fault:
    seen["wrong login"] = type(fault).__name__

instance = connect(password)
content = instance.RetrieveContent()
seen["about"] = [content.about.apiType, content.about.apiVersion]
seen["clock"] = instance.CurrentTime().isoformat()[:10]
view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
guests = {guest.name: guest for guest in view.view}
view.Destroy()
seen["guests"] = sorted(guests)
guest = guests["web01"]
seen["uuid"] = content.searchIndex.FindByUuid(None, guest.config.instanceUuid, True, True) == guest
seen["path"] = content.searchIndex.FindByInventoryPath("DC1/vm/Web/web01") == guest
seen["disks"] = [
    [device.deviceInfo.label, device.capacityInBytes, device.backing.fileName]
    for device in guest.config.hardware.device
    if isinstance(device, vim.vm.device.VirtualDisk)
]

info, seen["states"] = finished(guest.CreateSnapshot_Task("guestlift-1", "run 1", False, True))
snapshot = info.result
tree = guest.snapshot.rootSnapshotList[0]
seen["tree"] = [tree.name, tree.description, tree.quiesced, tree.snapshot == snapshot]
files = {file.key: file for file in guest.layoutEx.file}
seen["chains"] = [[[files[key].type for key in unit.fileKey] for unit in disk.chain] for disk in guest.layoutEx.disk]
seen["frozen"] = [
    device.backing.fileName
    for device in snapshot.config.hardware.device
    if isinstance(device, vim.vm.device.VirtualDisk)
]
seen["held"] = content.authorizationManager.FetchUserPrivilegeOnEntities([guest], user)[0].privileges.count(
    "VirtualMachine.State.CreateSnapshot"
)
key = content.sessionManager.currentSession.key
granted = content.authorizationManager.HasPrivilegeOnEntities([guest], key, ["Datastore.Browse", "No.Such"])
seen["granted"] = [[each.privId, each.isGranted] for each in granted[0].privAvailability]

datacenter = content.rootFolder.childEntity[0]
pool = guest.resourcePool
location = vim.vm.RelocateSpec(
    datastore=guest.datastore[0], diskMoveType="moveAllDiskBackingsAndDisallowSharing", pool=pool
)
spec = vim.vm.CloneSpec(location=location, template=False, powerOn=False, snapshot=snapshot, memory=False)
info, _ = finished(guest.CloneVM_Task(datacenter.vmFolder, "guestlift-1-web01", spec))
clone = info.result
seen["clone"] = [clone.name, clone.runtime.powerState, clone.snapshot is None]
again, _ = finished(guest.CloneVM_Task(datacenter.vmFolder, "guestlift-1-web01", spec))
seen["clone again"] = [again.state, type(again.error).__name__]

seen["removed"] = finished(snapshot.RemoveSnapshot_Task(False, True))[0].state
seen["left"] = [guest.snapshot is None, guest.runtime.consolidationNeeded]
seen["removed again"] = refused(lambda: snapshot.RemoveSnapshot_Task(False, True))
seen["consolidated"] = finished(guest.ConsolidateVMDisks_Task())[0].state

browser = guest.datastore[0].browser
flags = vim.host.DatastoreBrowser.FileInfo.Details(fileType=True, fileSize=True, modification=True, fileOwner=False)
search = vim.host.DatastoreBrowser.SearchSpec(details=flags, matchPattern=["*.vmdk"])
info, _ = finished(browser.SearchDatastore_Task("[datastore1] guestlift-1-web01", search))
seen["files"] = [[type(each).__name__, each.path, each.fileSize] for each in info.result.file]
seen["on"] = finished(clone.PowerOnVM_Task())[0].state
info, _ = finished(clone.Destroy_Task())
seen["destroyed on"] = [info.state, type(info.error).__name__]
finished(clone.PowerOffVM_Task())
seen["destroyed"] = finished(clone.Destroy_Task())[0].state
seen["destroyed again"] = refused(lambda: clone.Destroy_Task())

url = "https://%s/folder/web01/web01.vmx?dsName=datastore1" % guest.runtime.host.name
ticket = content.sessionManager.AcquireGenericServiceTicket(
    vim.SessionManager.HttpServiceRequestSpec(method="httpGet", url=url)
)
request = urllib.request.Request("https://%s/folder/web01/web01.vmx?dsName=datastore1" % ticket.hostName)
request.add_header("Cookie", "vmware_cgi_ticket=%s" % ticket.id)
answer = urllib.request.urlopen(request, context=context)
seen["ticket"] = [answer.status, b'displayName = "web01"' in answer.read()]
try:
    urllib.request.urlopen(request, context=context)
    seen["ticket again"] = 200
except urllib.error.HTTPError as error:
    seen["ticket again"] = error.code

content.sessionManager.Logout()
seen["after logout"] = refused(lambda: guest.CreateSnapshot_Task("x", "", False, False))
print(json.dumps(seen))
