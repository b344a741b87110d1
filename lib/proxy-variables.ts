import type { Deployment } from './deployment-config.ts'

/** The variables that tell a function its proxy, as `functions/tls/proxy-choice.ts` reads them; none without a proxy. */
export function proxyVariables({ proxy }: Pick<Deployment, 'proxy'>): Record<string, string> {
  if (proxy === undefined) return {}
  return {
    HTTPS_PROXY: proxy.url,
    HTTP_PROXY: proxy.url,
    ...(proxy.except.length === 0 ? {} : { NO_PROXY: proxy.except.join(',') }),
  }
}
