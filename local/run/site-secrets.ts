import { siteSecretName } from '../../functions/domain/books/site-secret-name.ts'
import { parseJson } from '../../functions/domain/words/parse-json.ts'
import { withoutRestore } from '../../functions/domain/restore/restore-site.ts'

/**
 * The secrets of sites as a deployment has them, by their names. The account for restores is in no secret that functions
 * read which back up; a site without one has no secret for restores.
 * @param sites each as the JSON text of its site file
 */
export function siteSecretsOf(
  prefix: string,
  sites: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const secrets = Object.entries(sites).flatMap(([site, text]) => {
    const config = parseJson(text)
    // What isn't JSON is found out by the functions, which say so.
    if (config === undefined) return [[siteSecretName(prefix, site, 'backup'), text]]
    const plain = [siteSecretName(prefix, site, 'backup'), JSON.stringify(withoutRestore(config))]
    const restores = typeof config === 'object' && config !== null && 'restore' in config
    return restores ? [plain, [siteSecretName(prefix, site, 'restore'), text]] : [plain]
  })
  return Object.fromEntries(secrets)
}
