/** The report's style sheet: light and dark, one column on a phone and two on a desktop. */
export const STYLE = `
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1b1f27; --soft: #596273; --rule: #dde1e8; --a: #1f63c6; --b: #b4540a; --warn: #fff4d6; }
@media (prefers-color-scheme: dark) {
  :root { --page: #12151b; --card: #1b2029; --ink: #e8ebf1; --soft: #a3adbd; --rule: #343c4a; --a: #6ea8ff; --b: #f2a65a; --warn: #3a3216; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 32px 0 12px; }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0; }
.soft, figcaption p, caption { color: var(--soft); font-size: 0.875rem; overflow-wrap: anywhere; }
.warnings { background: var(--warn); border-radius: 8px; margin: 16px 0 0; padding: 10px 16px 10px 32px; font-size: 0.9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px; margin: 20px 0 0; }
.tiles div { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; }
.tiles dt { color: var(--soft); font-size: 0.85rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles small { display: block; color: var(--soft); font-size: 0.75rem; font-weight: 400; }
.grid-of-two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; align-items: start; }
figure, .card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; margin: 0; padding: 16px; min-width: 0; }
svg { display: block; width: 100%; height: auto; margin-top: 8px; }
svg text { font-family: inherit; fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--rule); }
svg .axis { stroke: var(--soft); }
svg .mark { stroke: var(--soft); stroke-dasharray: 3 3; }
svg .line { fill: none; stroke-width: 2; }
svg .line.a { stroke: var(--a); } svg .line.b { stroke: var(--b); stroke-dasharray: 5 2; }
svg .area { opacity: 0.18; } svg .area.a { fill: var(--a); } svg .area.b { fill: var(--b); }
.legend { display: flex; gap: 16px; font-size: 0.85rem; margin-top: 8px; }
.legend i { display: inline-block; width: 18px; margin-right: 6px; vertical-align: middle; border-top: 3px solid var(--a); }
.legend i.b { border-top: 3px dashed var(--b); }
.settings th.words { min-width: 15em; word-break: normal; overflow-wrap: break-word; } .settings th, .settings td { padding-right: 14px; }
svg .label { fill: var(--ink); } svg .value { fill: var(--ink); font-weight: 600; }
svg .whisker { fill: none; stroke-width: 2; } svg .whisker.a { stroke: var(--a); } svg .whisker.b { stroke: var(--b); }
svg .dot.a { fill: var(--a); } svg .dot.b { fill: var(--b); }
.verdict { border-left: 4px solid var(--b); padding: 4px 0 4px 12px; margin: 16px 0 0; overflow-wrap: anywhere; }
#tools { display: flex; flex-wrap: wrap; gap: 10px 16px; align-items: center; margin-bottom: 12px; font-size: 0.9rem; }
#tools[hidden] { display: none; }
#tools label { display: flex; gap: 6px; align-items: center; min-width: 0; max-width: 100%; }
#tools select { max-width: 20em; min-width: 0; } #tools input[type=search] { width: 12em; }
#tools select, #tools input { font: inherit; color: var(--ink); background: var(--page); border: 1px solid var(--rule); border-radius: 6px; padding: 5px 8px; }
#tools output { color: var(--soft); }
#questions th.words { min-width: 16em; } .settings caption, #questions caption { max-width: calc(100vw - 66px); }
@media (max-width: 600px) { .settings th.words, #questions th.words { min-width: 10em; } #questions th, #questions td { padding-right: 8px; } }
#questions thead th { position: sticky; top: 0; background: var(--card); }
#questions details { margin: 0; font-size: inherit; } #questions summary { color: var(--ink); }
#questions ol { margin: 6px 0; padding-left: 22px; } #questions small { color: var(--soft); }
.tall { max-height: 80vh; overflow-y: auto; }
td.loss { color: var(--b); font-weight: 600; } td.win { color: var(--a); font-weight: 600; }
details { margin-top: 8px; font-size: 0.9rem; } summary { cursor: pointer; color: var(--soft); }
.scroll { overflow-x: auto; }
details .scroll { max-height: 320px; overflow-y: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 6px; }
th, td { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top; white-space: nowrap; }
th.words, td.words { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 6em; }
/* In a table of many columns the question would be squeezed to a word a line on a phone. */
table:has(th:nth-child(5)) td.words:nth-child(2) { min-width: 15em; }
th { font-weight: 600; } tbody th { font-weight: 400; }
@media print { details { display: none; } figure { break-inside: avoid; } }
`;
