/** Figures for CloudWatch as a log line that it turns into metrics itself: no call, no permission. */

/** Where the metrics are found, and what the alarms in `lib` are about. */
export const METRICS_NAMESPACE = 'Guestlift'

/** CloudWatch's words; it has none for hours. */
export type MetricUnit = 'Count' | 'Bytes' | 'Seconds' | 'None'

/**
 * Figures by site in CloudWatch's embedded metric format:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @param at ISO instant that they are of
 */
export function siteMetrics(
  site: string,
  at: string,
  values: Readonly<Record<string, number>>,
  unitOf: (name: string) => MetricUnit,
): Record<string, unknown> {
  return {
    _aws: {
      Timestamp: Date.parse(at),
      CloudWatchMetrics: [
        {
          Namespace: METRICS_NAMESPACE,
          Dimensions: [['Site']],
          Metrics: Object.keys(values).map((Name) => ({ Name, Unit: unitOf(Name) })),
        },
      ],
    },
    Site: site,
    ...values,
  }
}
