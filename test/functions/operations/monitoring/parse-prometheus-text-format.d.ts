/** As far as tests use it; the package has no types of its own. */
declare module 'parse-prometheus-text-format' {
  interface Family {
    name: string
    help: string
    type: string
    metrics: { value?: string; labels?: Record<string, string> }[]
  }
  export default function parsePrometheus(text: string): Family[]
}
