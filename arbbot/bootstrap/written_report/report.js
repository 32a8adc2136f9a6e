// The charts of a written report: the hedges of its period on one time axis.
const plotted = JSON.parse(document.getElementById("plotted").textContent);
const place = document.getElementById("charts");
const color = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const line = (label, stroke) => ({ label, stroke, width: 1.5, points: { size: 4 } });
const dots = (label, stroke) => ({ label, stroke, paths: () => null, points: { show: true, size: 5 } });

function draw(title, series, columns) {
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") } };
  return new uPlot(
    { title, tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC"), width: place.clientWidth, height: 200, series: [{}, ...series], axes: [axis, { ...axis, size: 70 }] },
    [plotted.at, ...columns], place);
}

let plots = [];
function drawAll() {
  for (const plot of plots) plot.destroy();
  const [one, two] = [color("--one"), color("--two")];
  plots = [
    draw("cumulative hedge P&L after fees", [line("P&L", one)], [plotted.pnl]),
    draw("edge, bp: expected at the decision and realised", [dots("expected", two), dots("realised", one)],
      [plotted.expected, plotted.realised]),
    draw("slippage against the decision, bp, worse is up", [dots("buying", one), dots("selling", two)],
      [plotted.buy, plotted.sell]),
  ];
}

if (plotted.at.length) {
  drawAll();
  addEventListener("resize", () => plots.forEach((plot) => plot.setSize({ width: place.clientWidth, height: 200 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
} else {
  place.textContent = "No hedge was settled in this period.";
}
