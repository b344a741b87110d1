/** The page's style. No address in it: it must load nothing. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --good: #2f7ed8; --verified: #1a9850; --warned: #d98c00; --bad: #d62728; --line: #8884; --faint: #8882; --columns: minmax(150px, 1.2fr) 2.6fr 6.5em 11.5em minmax(15em, 1.2fr); }
* { box-sizing: border-box; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 0 auto; max-width: 1500px; padding: 0 16px 48px; }
header { position: sticky; top: 0; background: Canvas; padding: 8px 0; border-bottom: 1px solid var(--line); z-index: 1; }
h1 { font-size: 1.3rem; margin: 4px 0; }
header p { margin: 4px 0; }
form { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin: 8px 0; }
input[type=search] { flex: 1 1 260px; font: inherit; padding: 6px 10px; }
select, button { font: inherit; }
.legend { font-size: .85rem; opacity: .8; }
.key { white-space: nowrap; }
.mark { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 0; }
.key { margin-right: 10px; }
.good { background: var(--good); fill: var(--good); }
.verified { background: var(--verified); fill: var(--verified); }
.warned { background: var(--warned); fill: var(--warned); }
.bad { background: var(--bad); fill: var(--bad); }
.missed { fill: none; stroke: var(--bad); stroke-width: 1; vector-effect: non-scaling-stroke; outline: 1px solid var(--bad); outline-offset: -1px; }
.none { fill: var(--line); }
.match { fill: none; stroke: currentColor; stroke-width: 2; vector-effect: non-scaling-stroke; }
#health { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; margin: 6px 0; }
#health button { border: 1px solid var(--line); border-radius: 10px; background: none; color: inherit; padding: 0 10px; cursor: pointer; }
#health button.trouble { color: var(--bad); border-color: var(--bad); font-weight: 600; }
#health button[aria-pressed=true] { outline: 2px solid currentColor; }
.guest { border-bottom: 1px solid var(--faint); }
.axis-row, .guest > button { display: grid; grid-template-columns: var(--columns); gap: 12px; align-items: center; }
.guest > button { width: 100%; text-align: left; border: 0; background: none; color: inherit; padding: 2px 0; cursor: pointer; font-size: .93rem; }
.guest > button:hover { background: var(--faint); }
:focus-visible { outline: 2px solid var(--good); }
.name, .newest, .sums, .health { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.newest, .sums { font-variant-numeric: tabular-nums; font-size: .87rem; }
.sub { font-size: .87rem; opacity: .75; }
.trouble { color: var(--bad); opacity: 1; }
svg { width: 100%; height: 16px; display: block; }
#axis { position: relative; height: 1.2em; font-size: .75rem; opacity: .75; }
#axis span { position: absolute; border-left: 1px solid var(--line); padding-left: 2px; white-space: nowrap; }
#axis .last { right: 0; border: 0; }
table { border-collapse: collapse; width: 100%; margin: 0 0 12px; font-size: .9rem; }
td, th { text-align: left; padding: 3px 10px 3px 0; vertical-align: top; border-top: 1px solid var(--faint); }
td.size { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.note { overflow-wrap: anywhere; }
code { font-size: .85rem; overflow-wrap: anywhere; }
pre { font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0 8px; }
#more { margin: 16px 0; padding: 8px 20px; }
@media (max-width: 700px) { .axis-row, .guest > button { grid-template-columns: auto auto 1fr; gap: 2px 12px; } .axis-row span:first-child { display: none; } .name, .strip, .health, #axis { grid-column: 1 / -1; } .guest > button { padding: 6px 0; } .name, .health { white-space: normal; overflow-wrap: anywhere; } header { position: static; } table, tr, td { display: block; } th { display: none; } tr { border-top: 1px solid var(--faint); padding: 6px 0; } td, td.size { border: 0; padding: 1px 0; text-align: left; } }
`
