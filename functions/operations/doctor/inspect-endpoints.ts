import { TlsIdentityMismatch } from '../../contracts/errors.ts'
import { type Finding, failed, passed, unchecked, warning } from '../../domain/doctor/finding.ts'
import { clockFinding } from '../../domain/doctor/judge-clock.ts'
import type { EndpointReport } from '../../providers/capabilities/endpoints.ts'
import type { Provider } from '../../providers/provider.ts'
import { clockComplaint } from '../backup/clock-check.ts'

type Asked = Pick<Provider, 'endpoints' | 'clockToleranceSeconds'>

export interface EndpointsLook {
  findings: Finding[]
  /** Some endpoint may be logged in to. */
  usable: boolean
}

/** Ask each endpoint of a site at the same time, without a login: does it answer, as whom, as what, and at which time? */
export async function inspectEndpoints(site: string, provider: Asked): Promise<EndpointsLook> {
  const { endpoints } = provider
  if (endpoints === undefined) return { findings: [], usable: true }
  const reports = await Promise.all(endpoints.addresses.map(async (at) => ({ at, report: await endpoints.probe(at) })))
  const usable = reports.some(({ report }) => report.problem === undefined)
  const impostor = reports.some(({ report }) => report.problem instanceof TlsIdentityMismatch)
  const findings = reports.flatMap(({ at, report }) => [
    ...connection(at, report, usable && !impostor),
    ...(report.clock === undefined || report.problem !== undefined
      ? []
      : [clockFinding(at, report.clock, clockComplaint({ site, node: at }, report.clock, provider))]),
  ])
  // A login stops at the first endpoint that isn't the one that was meant.
  return { findings, usable: usable && !impostor }
}

const LOOK_THERE = 'Check its address and port in the site, that it is up, and the network in between.'
const ANOTHER_SERVES = 'Another endpoint of the site answers, so runs go on.'

function connection(at: string, { connected, problem }: EndpointReport, othersServe: boolean): Finding[] {
  const answers = passed('reach', 'a connection was made', at)
  const proven = passed('identity', "the certificate is the one that the site's tls names", at)
  if (problem === undefined) return [answers, proven, passed('api', 'answers without a login', at)]
  if (problem instanceof TlsIdentityMismatch) return [answers, failed('identity', problem, at)]
  const check = connected ? 'api' : 'reach'
  const message = connected ? problem.message : `${problem.message} ${LOOK_THERE}`
  const finding = othersServe
    ? warning(check, `${message} ${ANOTHER_SERVES}`, at)
    : failed(check, { name: problem.name, message }, at)
  return connected ? [answers, proven, finding] : [finding, unchecked('identity', `${at} doesn't answer.`)]
}
