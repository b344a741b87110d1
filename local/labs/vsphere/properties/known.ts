/**
 * Fields of the types that answers hold, in the order of the vim25 schema (6.7). A field that is here and has no value isn't
 * set; one that isn't here doesn't exist, and asking for it is a mistake of the client's.
 */
const FIELDS: Readonly<Record<string, string>> = {
  VirtualMachineConfigInfo:
    'changeVersion modified name guestFullName version uuid createDate instanceUuid ' +
    'npivNodeWorldWideName npivPortWorldWideName npivWorldWideNameType npivDesiredNodeWwns ' +
    'npivDesiredPortWwns npivTemporaryDisabled npivOnNonRdmDisks locationId template guestId ' +
    'alternateGuestName annotation files tools flags consolePreferences defaultPowerOps hardware ' +
    'cpuAllocation memoryAllocation latencySensitivity memoryHotAddEnabled cpuHotAddEnabled ' +
    'cpuHotRemoveEnabled hotPlugMemoryLimit hotPlugMemoryIncrementSize cpuAffinity memoryAffinity ' +
    'networkShaper extraConfig cpuFeatureMask datastoreUrl swapPlacement bootOptions ftInfo repConfig ' +
    'vAppConfig vAssertsEnabled changeTrackingEnabled firmware maxMksConnections guestAutoLockEnabled ' +
    'managedBy memoryReservationLockedToMax initialOverhead nestedHVEnabled vPMCEnabled ' +
    'scheduledHardwareUpgradeInfo forkConfigInfo vFlashCacheReservation vmxConfigChecksum ' +
    'messageBusTunnelEnabled vmStorageObjectId swapStorageObjectId keyId guestIntegrityInfo ' +
    'migrateEncryption',
  VirtualMachineRuntimeInfo:
    'device host connectionState powerState faultToleranceState dasVmProtection toolsInstallerMounted ' +
    'suspendTime bootTime suspendInterval question memoryOverhead maxCpuUsage maxMemoryUsage ' +
    'numMksConnections recordReplayState cleanPowerOff needSecondaryReason onlineStandby ' +
    'minRequiredEVCModeKey consolidationNeeded offlineFeatureRequirement featureRequirement featureMask ' +
    'vFlashCacheAllocation paused snapshotInBackground quiescedForkParent instantCloneFrozen cryptoState',
  VirtualMachineSummary: 'vm runtime guest config storage quickStats overallStatus customValue',
  VirtualMachineConfigSummary:
    'name template vmPathName memorySizeMB cpuReservation memoryReservation numCpu numEthernetCards ' +
    'numVirtualDisks uuid instanceUuid guestId guestFullName annotation product installBootRequired ' +
    'ftInfo managedBy tpmPresent numVmiopBackings',
  VirtualMachineGuestSummary:
    'guestId guestFullName toolsStatus toolsVersionStatus toolsVersionStatus2 toolsRunningStatus ' +
    'hostName ipAddress',
  VirtualMachineStorageSummary: 'committed uncommitted unshared timestamp',
  VirtualMachineQuickStats:
    'overallCpuUsage overallCpuDemand guestMemoryUsage hostMemoryUsage guestHeartbeatStatus ' +
    'distributedCpuEntitlement distributedMemoryEntitlement staticCpuEntitlement staticMemoryEntitlement ' +
    'privateMemory sharedMemory swappedMemory balloonedMemory consumedOverheadMemory ftLogBandwidth ' +
    'ftSecondaryLatency ftLatencyStatus compressedMemory uptimeSeconds ssdSwappedMemory',
  GuestInfo:
    'toolsStatus toolsVersionStatus toolsVersionStatus2 toolsRunningStatus toolsVersion toolsInstallType ' +
    'toolsUpdateStatus guestId guestFamily guestFullName hostName ipAddress net ipStack disk screen ' +
    'guestState powerPolicy appHeartbeatStatus guestKernelCrashed appState guestOperationsReady ' +
    'interactiveGuestOperationsReady guestStateChangeSupported generationInfo',
  VirtualHardware: 'numCPU numCoresPerSocket memoryMB virtualICH7MPresent virtualSMCPresent device',
  VirtualMachineFileInfo: 'vmPathName snapshotDirectory suspendDirectory logDirectory ftMetadataDirectory',
  VirtualMachineFileLayoutEx: 'file disk snapshot timestamp',
  VirtualMachineFileLayoutExFileInfo: 'key name type size uniqueSize backingObjectId accessible',
  VirtualMachineFileLayoutExDiskLayout: 'key chain',
  VirtualMachineFileLayoutExSnapshotLayout: 'key dataKey memoryKey disk',
  VirtualMachineSnapshotTree:
    'snapshot vm name description id createTime state quiesced backupManifest childSnapshotList replaySupported',
  VirtualMachineSnapshotInfo: 'currentSnapshot rootSnapshotList',
  TaskInfo:
    'key task description name descriptionId entity entityName locked state cancelled cancelable error ' +
    'result progress reason queueTime startTime completeTime eventChainId changeTag parentTaskKey ' +
    'rootTaskKey activationId',
  DatastoreSummary:
    'datastore name url capacity freeSpace uncommitted accessible multipleHostAccess type maintenanceMode',
  HostListSummary:
    'host hardware runtime config quickStats overallStatus rebootRequired customValue managementServerIp ' +
    'maxEVCModeKey currentEVCModeKey gateway tpmAttestation',
  HostConfigSummary:
    'name port sslThumbprint product vmotionEnabled faultToleranceEnabled featureVersion ' +
    'agentVmDatastore agentVmNetwork',
  HostRuntimeInfo:
    'connectionState powerState standbyMode inMaintenanceMode inQuarantineMode bootTime ' +
    'healthSystemRuntime dasHostState tpmPcrValues cpuCapacityForVm memoryCapacityForVm vsanRuntimeInfo ' +
    'networkRuntimeInfo vFlashResourceRuntimeInfo hostMaxVirtualDiskCapacity cryptoState cryptoKeyId',
  AboutInfo:
    'name fullName vendor version build localeVersion localeBuild osType productLineId apiType ' +
    'apiVersion instanceUuid licenseProductName licenseProductVersion',
  UserSession:
    'key userName fullName loginTime lastActiveTime locale messageLocale extensionSession ipAddress ' +
    'userAgent callCount',
  NetworkSummary: 'network name accessible ipPoolName ipPoolId',
  HostVmfsVolume:
    'type name capacity blockSizeMb blockSize unmapGranularity unmapPriority unmapBandwidthSpec ' +
    'maxBlocks majorVersion version uuid extent vmfsUpgradable forceMountedInfo ssd local scsiDiskType',
  VmfsDatastoreInfo:
    'name url freeSpace maxFileSize maxVirtualDiskCapacity maxMemoryFileSize timestamp containerId ' +
    'aliasOf maxPhysicalRDMFileSize maxVirtualRDMFileSize vmfs lun',
  NasDatastoreInfo:
    'name url freeSpace maxFileSize maxVirtualDiskCapacity maxMemoryFileSize timestamp containerId aliasOf nas',
  HostNasVolume: 'type name capacity remoteHost remotePath userName remoteHostNames securityType protocolEndpoint',
  ServiceContent:
    'rootFolder propertyCollector viewManager about setting userDirectory sessionManager ' +
    'authorizationManager serviceManager perfManager scheduledTaskManager alarmManager eventManager ' +
    'taskManager extensionManager customizationSpecManager customFieldsManager accountManager ' +
    'diagnosticManager licenseManager searchIndex fileManager datastoreNamespaceManager ' +
    'virtualDiskManager virtualizationManager snmpSystem vmProvisioningChecker vmCompatibilityChecker ' +
    'ovfManager ipPoolManager dvSwitchManager hostProfileManager clusterProfileManager complianceManager ' +
    'localizationManager storageResourceManager guestOperationsManager overheadMemoryManager ' +
    'certificateManager ioFilterManager vStorageObjectManager hostSpecManager cryptoManager ' +
    'healthUpdateManager failoverClusterConfigurator failoverClusterManager',
  FaultToleranceConfigInfo: 'role instanceUuids configPaths orphaned',
  CryptoKeyId: 'keyId providerId',
  VirtualDisk:
    'key deviceInfo backing connectable slotInfo controllerKey unitNumber capacityInKB capacityInBytes ' +
    'shares storageIOAllocation diskObjectId vFlashCacheConfigInfo iofilter vDiskId ' +
    'nativeUnmanagedLinkedClone',
  VirtualDiskFlatVer2BackingInfo:
    'fileName datastore backingObjectId diskMode split writeThrough thinProvisioned eagerlyScrub uuid ' +
    'contentId changeId parent deltaDiskFormat digestEnabled deltaGrainSize deltaDiskFormatVariant ' +
    'sharing keyId',
  VirtualDiskRawDiskMappingVer1BackingInfo:
    'fileName datastore backingObjectId lunUuid deviceName compatibilityMode diskMode uuid contentId ' +
    'changeId parent deltaDiskFormat deltaGrainSize sharing',
  ParaVirtualSCSIController:
    'key deviceInfo backing connectable slotInfo controllerKey unitNumber busNumber device hotAddRemove ' +
    'sharedBus scsiCtlrUnitNumber',
  VirtualVmxnet3:
    'key deviceInfo backing connectable slotInfo controllerKey unitNumber addressType macAddress ' +
    'wakeOnLanEnabled resourceAllocation externalId uptCompatibilityEnabled',
  VirtualEthernetCardNetworkBackingInfo: 'deviceName useAutoDetect network inPassthroughMode',
  VirtualDeviceConnectInfo: 'migrateConnect startConnected allowGuestControl connected status',
  VirtualCdrom: 'key deviceInfo backing connectable slotInfo controllerKey unitNumber',
  VirtualIDEController: 'key deviceInfo backing connectable slotInfo controllerKey unitNumber busNumber device',
  VirtualPCIController: 'key deviceInfo backing connectable slotInfo controllerKey unitNumber busNumber device',
  VirtualMachineVideoCard:
    'key deviceInfo backing connectable slotInfo controllerKey unitNumber videoRamSizeInKB numDisplays ' +
    'useAutoDetect enable3DSupport use3dRenderer graphicsMemorySizeInKB',
  VirtualMachineVMCIDevice:
    'key deviceInfo backing connectable slotInfo controllerKey unitNumber id ' +
    'allowUnrestrictedCommunication filterEnable filterInfo',
  HostDatastoreBrowserSearchResults: 'datastore folderPath file',
  VmDiskFileInfo:
    'path friendlyName fileSize modification owner diskType capacityKb hardwareVersion controllerType ' +
    'diskExtents thin encryption',
  VirtualMachineQuestionInfo: 'id text choice message',
  VirtualTPM:
    'key deviceInfo backing connectable slotInfo controllerKey unitNumber ' +
    'endorsementKeyCertificateSigningRequest endorsementKeyCertificate',
  SessionManagerGenericServiceTicket: 'id hostName sslThumbprint',
  VirtualMachine:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag capability config layout layoutEx storage environmentBrowser resourcePool ' +
    'parentVApp resourceConfig runtime guest summary datastore network snapshot rootSnapshot ' +
    'guestHeartbeatStatus',
  VirtualMachineSnapshot: 'value availableField config childSnapshot vm',
  Datastore:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag info summary host vm browser capability iormConfiguration',
  HostSystem:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag runtime summary hardware capability licensableResource remediationState ' +
    'precheckRemediationResult remediationResult complianceCheckState complianceCheckResult ' +
    'configManager config vm datastore network datastoreBrowser systemResources ' +
    'answerFileValidationState answerFileValidationResult',
  Datacenter:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag vmFolder hostFolder datastoreFolder networkFolder datastore network ' +
    'configuration',
  Folder:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag childType childEntity',
  ResourcePool:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag summary runtime owner resourcePool vm config childConfiguration',
  ClusterComputeResource:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag resourcePool host datastore network summary environmentBrowser ' +
    'configurationEx configuration recommendation drsRecommendation hciConfig migrationHistory ' +
    'actionHistory drsFault',
  ComputeResource:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag resourcePool host datastore network summary environmentBrowser ' +
    'configurationEx',
  Network:
    'value availableField parent customValue overallStatus configStatus configIssue effectiveRole ' +
    'permission name disabledMethod recentTask declaredAlarmState triggeredAlarmState ' +
    'alarmActionsEnabled tag summary host vm',
  Task: 'value availableField info',
}

const known = new Map(Object.entries(FIELDS).map(([type, text]) => [type, text.split(' ')]))

/** Nothing for a type whose fields the lab has all. */
export const fieldsOf = (type: string): readonly string[] | undefined => known.get(type)
