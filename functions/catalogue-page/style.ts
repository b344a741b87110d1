/** The page's style. No address in it: it must load nothing. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --good: #2f7ed8; --verified: #1a9850; --warned: #d98c00; --bad: #d62728; --line: #8884; --faint: #8882; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 0 16px 48px; }
header { position: sticky; top: 0; background: Canvas; padding: 8px 0; border-bottom: 1px solid var(--line); z-index: 1; }
h1 { font-size: 1.3rem; margin: 4px 0; }
header p { margin: 4px 0; }
form { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin: 8px 0; }
input[type=search] { flex: 1 1 260px; font: inherit; padding: 6px 10px; }
select, button { font: inherit; }
.legend { font-size: .85rem; opacity: .8; }
.key { white-space: nowrap; }
.mark { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 0; }
.key:not(:last-of-type) { margin-right: 10px; }
.good { background: var(--good); fill: var(--good); }
.verified { background: var(--verified); fill: var(--verified); }
.warned { background: var(--warned); fill: var(--warned); }
.bad { background: var(--bad); fill: var(--bad); }
.guest { border-bottom: 1px solid var(--faint); }
.guest > button { display: grid; grid-template-columns: minmax(180px, 1fr) 3fr minmax(150px, .8fr); gap: 12px; width: 100%; text-align: left; border: 0; background: none; color: inherit; padding: 8px 0; cursor: pointer; align-items: center; }
.guest > button:hover { background: var(--faint); }
.guest > button:focus-visible { outline: 2px solid var(--good); }
.name { font-weight: 600; overflow-wrap: anywhere; }
.sub { display: block; font-weight: 400; font-size: .85rem; opacity: .75; }
.trouble { color: var(--bad); opacity: 1; }
svg { width: 100%; height: 44px; display: block; }
svg .axis { stroke: var(--line); }
.axis-labels { display: flex; justify-content: space-between; font-size: .75rem; opacity: .7; }
table { border-collapse: collapse; width: 100%; margin: 0 0 12px; font-size: .9rem; }
td, th { text-align: left; padding: 3px 10px 3px 0; vertical-align: top; border-top: 1px solid var(--faint); }
td.size { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.note { overflow-wrap: anywhere; }
code { font-size: .85rem; overflow-wrap: anywhere; }
pre { font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0 8px; }
#more { margin: 16px 0; padding: 8px 20px; }
@media (max-width: 700px) { .guest > button { grid-template-columns: 1fr; gap: 4px; } header { position: static; } table, tr, td { display: block; } th { display: none; } tr { border-top: 1px solid var(--faint); padding: 6px 0; } td, td.size { border: 0; padding: 1px 0; text-align: left; } }
`
