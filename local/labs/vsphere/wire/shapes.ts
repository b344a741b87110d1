/**
 * The data types that requests hold, with their fields in the order of the vim25 schema (6.5 and later). Fields are
 * `name:type`, with `?` for at most one, `*` for any number and `+` for one and more; `@` marks a managed object.
 * A type that isn't here passes as the client likes it.
 */
export const TYPES: Readonly<Record<string, { base?: string; fields: string }>> = {
  PropertyFilterSpec: {
    fields: 'propSet:PropertySpec+ objectSet:ObjectSpec+ reportMissingObjectsInResults:boolean?',
  },
  PropertySpec: { fields: 'type:string all:boolean? pathSet:string*' },
  ObjectSpec: { fields: 'obj:@ManagedObject skip:boolean? selectSet:SelectionSpec*' },
  SelectionSpec: { fields: 'name:string?' },
  TraversalSpec: {
    base: 'SelectionSpec',
    fields: 'type:string path:string skip:boolean? selectSet:SelectionSpec*',
  },
  RetrieveOptions: { fields: 'maxObjects:int?' },
  VirtualMachineCloneSpec: {
    fields:
      'location:VirtualMachineRelocateSpec template:boolean config:VirtualMachineConfigSpec? customization:CustomizationSpec? ' +
      'powerOn:boolean snapshot:@VirtualMachineSnapshot? memory:boolean?',
  },
  VirtualMachineRelocateSpec: {
    fields:
      'service:ServiceLocator? folder:@Folder? datastore:@Datastore? diskMoveType:string? pool:@ResourcePool? host:@HostSystem? ' +
      'disk:VirtualMachineRelocateSpecDiskLocator* transform:string? deviceChange:VirtualDeviceConfigSpec* profile:VirtualMachineProfileSpec*',
  },
  VirtualMachineRelocateSpecDiskLocator: {
    fields:
      'diskId:int datastore:@Datastore diskMoveType:string? diskBackingInfo:VirtualDeviceBackingInfo? profile:VirtualMachineProfileSpec*',
  },
  VirtualMachineConfigSpec: {
    fields:
      'changeVersion:string? name:string? version:string? createDate:dateTime? uuid:string? instanceUuid:string? ' +
      'locationId:string? guestId:string? alternateGuestName:string? annotation:string? files:VirtualMachineFileInfo? ' +
      'numCPUs:int? numCoresPerSocket:int? memoryMB:long? memoryHotAddEnabled:boolean? cpuHotAddEnabled:boolean? ' +
      'deviceChange:VirtualDeviceConfigSpec* extraConfig:OptionValue* changeTrackingEnabled:boolean? firmware:string?',
  },
  VirtualMachineFileInfo: {
    fields: 'vmPathName:string? snapshotDirectory:string? suspendDirectory:string? logDirectory:string?',
  },
  OptionValue: { fields: 'key:string value:AnyType' },
  VirtualDeviceConfigSpec: {
    fields: 'operation:string? fileOperation:string? device:VirtualDevice profile:VirtualMachineProfileSpec*',
  },
  VirtualDevice: {
    fields:
      'key:int deviceInfo:Description? backing:VirtualDeviceBackingInfo? connectable:VirtualDeviceConnectInfo? ' +
      'slotInfo:VirtualDeviceBusSlotInfo? controllerKey:int? unitNumber:int?',
  },
  VirtualEthernetCard: {
    base: 'VirtualDevice',
    fields:
      'addressType:string? macAddress:string? wakeOnLanEnabled:boolean? resourceAllocation:VirtualEthernetCardResourceAllocation? ' +
      'externalId:string? uptCompatibilityEnabled:boolean?',
  },
  VirtualE1000: { base: 'VirtualEthernetCard', fields: '' },
  VirtualE1000e: { base: 'VirtualEthernetCard', fields: '' },
  VirtualVmxnet: { base: 'VirtualEthernetCard', fields: '' },
  VirtualVmxnet3: { base: 'VirtualVmxnet', fields: 'uptv2Enabled:boolean? strictLatencyConfig:boolean?' },
  VirtualDeviceConnectInfo: {
    fields: 'migrateConnect:string? startConnected:boolean allowGuestControl:boolean connected:boolean status:string?',
  },
  VirtualMachineGuestQuiesceSpec: { fields: 'timeout:int?' },
  VirtualMachineWindowsQuiesceSpec: {
    base: 'VirtualMachineGuestQuiesceSpec',
    fields:
      'vssBackupType:int? vssBootableSystemState:boolean? vssPartialFileSupport:boolean? vssBackupContext:string?',
  },
  SessionManagerServiceRequestSpec: { fields: '' },
  SessionManagerHttpServiceRequestSpec: {
    base: 'SessionManagerServiceRequestSpec',
    fields: 'method:string? url:string',
  },
  HostDatastoreBrowserSearchSpec: {
    fields:
      'query:FileQuery* details:FileQueryFlags? searchCaseInsensitive:boolean? matchPattern:string* sortFoldersFirst:boolean?',
  },
  FileQueryFlags: { fields: 'fileType:boolean fileSize:boolean modification:boolean fileOwner:boolean?' },
}
