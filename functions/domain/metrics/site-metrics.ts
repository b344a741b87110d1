/** Figures for CloudWatch as a log line that it turns into metrics itself: no call, no permission. */

/** Where the metrics are found, and what the alarms in `lib` are about. */
export const METRICS_NAMESPACE = 'Guestlift'

/** What every figure is told apart by, and what every alarm asks for. */
export interface MetricScope {
  /** Its name. Two deployments of one account may have a site of the same name. */
  deployment: string
  site: string
}

/** Name and value of each dimension, as the functions write them and the alarms ask for them. */
export function metricDimensions({ deployment, site }: MetricScope): { Deployment: string; Site: string } {
  return { Deployment: deployment, Site: site }
}

/** CloudWatch's words; it has none for hours. */
export type MetricUnit = 'Count' | 'Bytes' | 'Seconds' | 'None'

/** The same for a figure that concerns the deployment as a whole, whatever the site. */
export function deploymentDimensions({ deployment }: Pick<MetricScope, 'deployment'>): { Deployment: string } {
  return { Deployment: deployment }
}

/**
 * Figures by deployment and site in CloudWatch's embedded metric format:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @param at ISO instant that they are of
 * @param ofDeployment figures that are told apart by the deployment alone
 */
export function siteMetrics(
  scope: MetricScope,
  at: string,
  values: Readonly<Record<string, number>>,
  unitOf: (name: string) => MetricUnit,
  ofDeployment: Readonly<Record<string, number>> = {},
): Record<string, unknown> {
  const declared = (dimensions: object, figures: object) => ({
    Namespace: METRICS_NAMESPACE,
    Dimensions: [Object.keys(dimensions)],
    Metrics: Object.keys(figures).map((Name) => ({ Name, Unit: unitOf(Name) })),
  })
  const dimensions = metricDimensions(scope)
  return {
    _aws: {
      Timestamp: Date.parse(at),
      CloudWatchMetrics: [
        declared(dimensions, values),
        ...(Object.keys(ofDeployment).length === 0 ? [] : [declared(deploymentDimensions(scope), ofDeployment)]),
      ],
    },
    ...dimensions,
    ...values,
    ...ofDeployment,
  }
}
