/** How requests leave for AWS: over kept connections, and through a proxy where the environment names one. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { type Proxy, proxyFor, type ProxyVariables } from '../tls/proxy-choice.ts'

export interface HandlerLimits {
  maxSockets?: number
  connectionTimeout?: number
  socketTimeout?: number
}

type Handle = NodeHttpHandler['handle']

/**
 * A handler for a client of the SDK, which by itself knows no proxies. Which one a request goes through is decided for each,
 * so that `NO_PROXY` holds; Node.js makes the connection (a tunnel for https, the whole URL for http). An error without
 * an answer names the proxy.
 */
export function requestHandler(limits: HandlerLimits, variables: ProxyVariables = process.env): NodeHttpHandler {
  return new ProxiedHandler(limits, variables)
}

class ProxiedHandler extends NodeHttpHandler {
  readonly #limits: HandlerLimits
  readonly #variables: ProxyVariables
  /** By the proxy's address. */
  readonly #proxied = new Map<string, NodeHttpHandler>()

  constructor(limits: HandlerLimits, variables: ProxyVariables) {
    super(settings(limits))
    this.#limits = limits
    this.#variables = variables
  }

  override async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const { protocol, hostname } = request
    const isSecure = protocol !== 'http:'
    const port = request.port ?? (isSecure ? 443 : 80)
    const proxy = proxyFor({ protocol: isSecure ? 'https:' : 'http:', hostname, port }, this.#variables)
    if (proxy === undefined) return super.handle(request, options)
    try {
      return await this.#through(proxy).handle(request, options)
    } catch (error) {
      if (error instanceof Error && !error.message.includes(proxy.name))
        error.message += ` (through the proxy ${proxy.name})`
      throw error
    }
  }

  override destroy(): void {
    super.destroy()
    for (const handler of this.#proxied.values()) handler.destroy()
  }

  #through({ url }: Proxy): NodeHttpHandler {
    const found = this.#proxied.get(url.href)
    if (found !== undefined) return found
    const handler = new NodeHttpHandler(settings(this.#limits, { HTTP_PROXY: url.href, HTTPS_PROXY: url.href }))
    this.#proxied.set(url.href, handler)
    return handler
  }
}

function settings({ maxSockets, ...timeouts }: HandlerLimits, proxyEnv?: Record<string, string>) {
  const agent = {
    keepAlive: true,
    ...(maxSockets === undefined ? {} : { maxSockets }),
    ...(proxyEnv === undefined ? {} : { proxyEnv }),
  }
  return { httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent(agent), ...timeouts }
}
