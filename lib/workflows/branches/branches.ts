import { azureBranch } from './azure.ts'
import type { Branch } from './branch.ts'
import { ec2Branch } from './ec2.ts'
import { proxmoxBranch } from './proxmox.ts'
import { vsphereBranch } from './vsphere.ts'

/** By the platform's name. A new platform is one more line. */
export const branches: Readonly<Record<string, Branch>> = {
  proxmox: proxmoxBranch,
  ec2: ec2Branch,
  vsphere: vsphereBranch,
  azure: azureBranch,
}
