import { sameValue } from './same-value.ts'
import type { ConfigurationChange, ConfigurationPart, SiteConfiguration } from '../../contracts/site-configuration.ts'

/**
 * What changed from one record to the next, part by part. Absent isn't gone: an entry counts as removed only where the
 * part was read whole now, and as added only where it was read whole before.
 */
export function compareConfigurations(
  before: Pick<SiteConfiguration, 'parts'>,
  now: Pick<SiteConfiguration, 'parts'>,
): ConfigurationChange[] {
  const earlier = new Map(before.parts.map((part) => [part.part, part]))
  return now.parts.flatMap((part) => {
    const old = earlier.get(part.part)
    // A part that nobody read before says nothing about changes.
    return old === undefined ? [] : changesIn(old, part)
  })
}

function changesIn(before: ConfigurationPart, now: ConfigurationPart): ConfigurationChange[] {
  const { part } = now
  const names = [...new Set([...Object.keys(before.entries), ...Object.keys(now.entries)])].toSorted()
  return names.flatMap((entry): ConfigurationChange[] => {
    const [wasThere, isThere] = [Object.hasOwn(before.entries, entry), Object.hasOwn(now.entries, entry)]
    if (!wasThere) return before.incomplete === undefined ? [{ part, entry, change: 'added' }] : []
    if (!isThere) return now.incomplete === undefined ? [{ part, entry, change: 'removed' }] : []
    const [old, present] = [before.entries[entry], now.entries[entry]]
    if (sameValue(old, present)) return []
    const fields = changedFields(old, present)
    return [{ part, entry, change: 'changed', ...(fields.length === 0 ? {} : { fields }) }]
  })
}

function changedFields(before: unknown, now: unknown): string[] {
  const [old, present] = [fieldsOf(before), fieldsOf(now)]
  const names = [...new Set([...Object.keys(old), ...Object.keys(present)])].toSorted()
  return names.filter((name) => !sameValue(old[name], present[name]))
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
