/** Where the services of a cloud answer (Azure documentation, "Azure cloud endpoints"). */
import type { AzureAccess, AzureCloud } from '../contracts/azure-access.ts'

export interface AzureHosts {
  login: string
  management: string
  /** What a token for Azure Resource Manager is asked for. */
  scope: string
}

const clouds: Readonly<Record<AzureCloud, { login: string; management: string }>> = {
  public: { login: 'https://login.microsoftonline.com', management: 'https://management.azure.com' },
  usgovernment: { login: 'https://login.microsoftonline.us', management: 'https://management.usgovcloudapi.net' },
  china: { login: 'https://login.chinacloudapi.cn', management: 'https://management.chinacloudapi.cn' },
}

export function hostsOf({ cloud, endpoints = {} }: Pick<AzureAccess, 'cloud' | 'endpoints'>): AzureHosts {
  const usual = clouds[cloud]
  return {
    login: endpoints.login ?? usual.login,
    management: endpoints.management ?? usual.management,
    scope: `${usual.management}/.default`,
  }
}
