/** The calls of EC2 that the lab doubles. */
import type { Action } from '../call.ts'
import { attachVolume, detachVolume } from './attach.ts'
import { createImage } from './create-image.ts'
import { describeImages, deregisterImage, registerImage } from './images.ts'
import { describeInstanceTypes } from './instance-types.ts'
import { describeInstanceAttribute, describeInstances, describeInstanceStatus } from './instances.ts'
import { createTags, deleteTags, describeAvailabilityZones, describeRegions, describeTags } from './places.ts'
import { rebootInstances, startInstances, stopInstances, terminateInstances } from './power.ts'
import { runInstances } from './run.ts'
import { createSnapshots, deleteSnapshot, describeSnapshots } from './snapshots.ts'
import { createVolume, deleteVolume, describeVolumes } from './volumes.ts'

export const ACTIONS: ReadonlyMap<string, Action> = new Map(
  Object.entries({
    AttachVolume: attachVolume,
    CreateImage: createImage,
    CreateSnapshots: createSnapshots,
    CreateTags: createTags,
    CreateVolume: createVolume,
    DeleteSnapshot: deleteSnapshot,
    DeleteTags: deleteTags,
    DeleteVolume: deleteVolume,
    DeregisterImage: deregisterImage,
    DetachVolume: detachVolume,
    DescribeAvailabilityZones: describeAvailabilityZones,
    DescribeImages: describeImages,
    DescribeInstanceAttribute: describeInstanceAttribute,
    DescribeInstanceStatus: describeInstanceStatus,
    DescribeInstances: describeInstances,
    DescribeInstanceTypes: describeInstanceTypes,
    DescribeRegions: describeRegions,
    DescribeSnapshots: describeSnapshots,
    DescribeTags: describeTags,
    DescribeVolumes: describeVolumes,
    RebootInstances: rebootInstances,
    RegisterImage: registerImage,
    RunInstances: runInstances,
    StartInstances: startInstances,
    StopInstances: stopInstances,
    TerminateInstances: terminateInstances,
  }),
)
