--- The style sheet of a report's page: light and dark, wide and narrow, on paper.
local palette = require 'crescent.chart.palette'

local light = '--accent:#0b61a4;--rule:#d5dae0;--rule-strong:#8c959f;--hover:#f4f6f8;'
  .. '--good:#0a6b45;--good-paper:#e2f4ea;--bad:#a3341c;--bad-paper:#fbe9e4;'
  .. '--plain-paper:#eef1f4;--warning:#9a6700;--warning-paper:#fff8e5;'
local dark = '--accent:#6cb6f0;--rule:#30363d;--rule-strong:#6b7580;--hover:#1d2228;'
  .. '--good:#6fd6a5;--good-paper:#12301f;--bad:#ff9d85;--bad-paper:#3a1c14;'
  .. '--plain-paper:#242a31;--warning:#e3b341;--warning-paper:#2b2310;'

local rules = [[
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--chart-paper);color:var(--chart-ink);
  font:16px/1.6 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif}
header,main,nav,footer{max-width:64rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:3.5rem}
footer{padding-top:2rem;padding-bottom:3rem;color:var(--chart-quiet);font-size:.875rem}
h1{font-size:2rem;line-height:1.25;letter-spacing:-.015em;font-weight:650;margin:0 0 1rem;
  max-width:46rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;line-height:1.35;font-weight:650;margin:3rem 0 1rem;overflow-wrap:anywhere}
h3{font-size:1.0625rem;line-height:1.4;font-weight:650;margin:2.25rem 0 .75rem;
  overflow-wrap:anywhere}
h2 a,h3 a{color:inherit;text-decoration:none}
h2 a:hover::after,h3 a:hover::after{content:" #";color:var(--chart-quiet)}
p{max-width:46rem;margin:0 0 1rem;overflow-wrap:anywhere;white-space:pre-line}
a{color:var(--accent)}
nav{margin-bottom:1rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0;padding:.75rem 0;
  border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);font-size:.9375rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
p.note{color:var(--chart-quiet);font-size:.9375rem;margin:0 0 .4rem}
p.warning{color:var(--chart-ink);background:var(--warning-paper);padding:.6rem .9rem;
  border-left:3px solid var(--warning);margin:0 0 1rem}
p.warning strong{color:var(--warning)}
.scroll{overflow-x:auto;max-width:100%;margin:0 0 1.5rem}
p.note + .scroll{margin-top:2rem}
.scroll:focus-visible,button:focus-visible,a:focus-visible,summary:focus-visible{
  outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;font-size:.9375rem;font-variant-numeric:tabular-nums;
  line-height:1.4}
caption{text-align:left;font-weight:600;padding:0 0 .6rem}
th,td{padding:.5rem 1.7rem .5rem 0;text-align:left;vertical-align:top;white-space:nowrap}
td.words{white-space:normal;min-width:10rem;max-width:26rem;overflow-wrap:anywhere}
.right{text-align:right}
thead th{font-weight:600;vertical-align:bottom;border-bottom:1.5px solid var(--rule-strong)}
thead small{display:block;font-weight:400;color:var(--chart-quiet);font-size:.8125rem}
tbody tr{border-bottom:1px solid var(--rule)}
tbody tr:hover{background:var(--hover)}
th button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;cursor:pointer;
  text-align:inherit}
th button::after{content:"\2195";position:absolute;width:1em;text-align:center;
  color:var(--rule-strong);font-weight:400;opacity:.45}
th button:hover::after{opacity:1}
th[aria-sort=ascending] button::after{content:"\2191";color:var(--accent);opacity:1}
th[aria-sort=descending] button::after{content:"\2193";color:var(--accent);opacity:1}
td small{display:block;color:var(--chart-quiet);font-size:.8125rem}
td.best{font-weight:650}
td.best small{font-weight:400}
.star{position:absolute;margin-left:.15em;color:var(--accent);font-weight:400}
td.missing,td.missing abbr{color:var(--chart-quiet);text-decoration:none}
td.missing abbr{cursor:help;border-bottom:1px dotted var(--rule-strong)}
.verdict{display:inline-block;border-radius:.3rem;padding:0 .4rem;font-size:.8125rem;
  background:var(--plain-paper);color:var(--chart-ink)}
.verdict.good{background:var(--good-paper);color:var(--good)}
.verdict.bad{background:var(--bad-paper);color:var(--bad)}
figure{margin:2.5rem 0;padding:0}
figure .scroll{margin:0}
figure svg{display:block;height:auto;min-width:560px;max-width:100%}
figure svg.wide{max-width:none}
details{margin:.25rem 0 0;font-size:.9375rem}
summary{cursor:pointer;color:var(--chart-quiet);padding:.25rem 0;width:max-content}
summary:hover{color:var(--chart-ink)}
details .scroll{margin-top:.5rem}
@media (max-width:40rem){
  header,main,nav,footer{padding-left:1rem;padding-right:1rem}
  header{padding-top:1.5rem}
  h1{font-size:1.5rem}
  h2{margin-top:2rem}
}
]]

local printed = [[
  body{font-size:10.5pt}
  header,main,footer{max-width:none;padding-left:0;padding-right:0}
  header{padding-top:0}
  nav,th button::after{display:none}
  .scroll{overflow:visible}
  figure,tr,.warning{break-inside:avoid}
  h2,h3,caption{break-after:avoid}
  figure svg{min-width:0;max-width:100%}
  table{font-size:8.5pt}
  th,td{padding-right:.6rem}
  a{color:inherit;text-decoration:none}
]]

return (':root{color-scheme:light dark;%s%s}\n@media (prefers-color-scheme:dark){:root{%s%s}}\n'
  .. '%s%s@media print{\n  :root{color-scheme:light;%s%s}\n%s}\n'):format(light,
  palette.declarations 'light', dark, palette.declarations 'dark', rules, palette.rules(), light,
  palette.declarations 'light', printed)
