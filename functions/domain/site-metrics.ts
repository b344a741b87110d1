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

/**
 * Figures by deployment and site in CloudWatch's embedded metric format:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @param at ISO instant that they are of
 */
export function siteMetrics(
  scope: MetricScope,
  at: string,
  values: Readonly<Record<string, number>>,
  unitOf: (name: string) => MetricUnit,
): Record<string, unknown> {
  const dimensions = metricDimensions(scope)
  return {
    _aws: {
      Timestamp: Date.parse(at),
      CloudWatchMetrics: [
        {
          Namespace: METRICS_NAMESPACE,
          Dimensions: [Object.keys(dimensions)],
          Metrics: Object.keys(values).map((Name) => ({ Name, Unit: unitOf(Name) })),
        },
      ],
    },
    ...dimensions,
    ...values,
  }
}
