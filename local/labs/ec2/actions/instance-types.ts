/** What types of instances have. */
import { type Action, permitted } from '../call.ts'
import { ec2 } from '../errors.ts'

/** Families with disks of their own, as `i4i`, and those whose name says so, as `m5d` (AWS: "Instance types"). */
const WITH_STORES = /^(?:i\d|d\d|h\d|is\d|im\d)|^[a-z]+\d[a-z]*d[a-z]*\./

export const describeInstanceTypes: Action = (call) => {
  const { parameters, rights } = call
  rights.need('ec2:DescribeInstanceTypes')
  const types = parameters.list('InstanceType')
  permitted(call)
  const unknown = types.find((type) => !/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(type))
  if (unknown !== undefined) {
    throw ec2('InvalidInstanceType', `The following supplied instance types do not exist: [${unknown}]`)
  }
  return {
    instanceTypeSet: types.map((instanceType) => ({
      instanceType,
      instanceStorageSupported: WITH_STORES.test(instanceType),
    })),
  }
}
