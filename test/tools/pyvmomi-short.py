"""A snapshot of one guest by VMware's own Python client, on whatever address answers as a vCenter or as a host."""

import json
import ssl
import sys

from pyVim.connect import SmartConnect
from pyVmomi import vim, vmodl

port, user, password, name = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl._create_unverified_context()
instance = SmartConnect(host="127.0.0.1", port=port, user=user, pwd=password, sslContext=context)
content = instance.RetrieveContent()
seen = {"type": content.about.apiType}


def finished(task):
    while True:
        info = task.info
        if info.state in ("success", "error"):
            return info


def disks(devices):
    found = [device.backing for device in devices if isinstance(device, vim.vm.device.VirtualDisk)]
    return [[each.fileName, each.parent.fileName if each.parent else None] for each in found]


view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
guest = [each for each in view.view if each.name == name][0]
view.Destroy()
snapshot = finished(guest.CreateSnapshot_Task("guestlift-1", "run 1", False, False)).result
seen["running"] = disks(guest.config.hardware.device)
seen["frozen"] = disks(snapshot.config.hardware.device)
files = {file.key: file.name for file in guest.layoutEx.file}
seen["chain"] = [[files[key] for key in unit.fileKey] for disk in guest.layoutEx.disk for unit in disk.chain]
info = finished(snapshot.RemoveSnapshot_Task(False, True))
seen["removed"] = [info.state, info.entity == guest]
seen["recent"] = len(guest.recentTask)
seen["needed"] = guest.runtime.consolidationNeeded
seen["consolidated"] = finished(guest.ConsolidateVMDisks_Task()).state
content.sessionManager.Logout()
try:
    guest.PowerOffVM_Task()
except vim.fault.NotAuthenticated as fault:
    seen["after logout"] = type(fault).__name__
print(json.dumps(seen))
