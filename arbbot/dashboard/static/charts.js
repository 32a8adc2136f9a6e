// Three charts on one time axis, drawn by uPlot where it is installed.
import { $, made, put, show } from "./dom.js";
import { clock } from "./format.js";
import { curveColumns, edgeColumns, exposureColumns } from "./series.js";

const LIBRARY = "/static/vendor/uPlot.iife.min.js";
const STYLE = "/static/vendor/uPlot.min.css";
const HEIGHT = 190;
const EVERY_MS = 1000;
const LEAST_US = 60e6;
/** A young process fills the width with what there is, from a minute on. */
const MISSING = "charts need npm at set-up: install npm, make setup";

const color = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

function loaded() {
  return new Promise((done, failed) => {
    const script = made("script");
    script.src = LIBRARY;
    script.addEventListener("load", done);
    script.addEventListener("error", failed);
    const style = made("link");
    style.rel = "stylesheet";
    style.href = STYLE;
    document.head.append(style, script);
  });
}

export class Charts {
  constructor(series) {
    this.series = series;
    this.minutes = 15;
    this.plots = null;
    for (const button of document.querySelectorAll(".ranges button")) {
      button.addEventListener("click", () => this.showMinutes(button));
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
    new ResizeObserver(() => this.fit()).observe($("plots"));
  }

  /** Once; nothing is asked for that set-up could not get. */
  async load(installed) {
    if (this.asked) return;
    this.asked = true;
    try {
      if (!installed) throw new Error(MISSING);
      await loaded();
      this.ready = true;
    } catch {
      put($("chart-note"), MISSING);
    }
  }

  showMinutes(button) {
    this.minutes = Number(button.dataset.minutes);
    for (const other of document.querySelectorAll(".ranges button")) other.setAttribute("aria-pressed", String(other === button));
    this.series.changed = true;
    this.drawnAt = null;
  }

  see(snapshot) {
    this.snapshot = snapshot;
    const now = performance.now();
    if (!this.ready || !this.series.changed || !this.series.whole || !this.series.samples.length || now - (this.drawnAt ?? -EVERY_MS) < EVERY_MS) return;
    this.drawnAt = now;
    this.series.changed = false;
    if (!this.plots) this.build();
    this.draw();
  }

  rebuild() {
    if (!this.plots) return;
    for (const plot of this.plots) plot.destroy();
    this.plots = null;
    this.series.changed = true;
    this.drawnAt = null;
  }

  build() {
    show($("chart-note"), false);
    show($("plots"), true);
    const ways = Object.entries(this.snapshot.why.directions);
    const names = ways.map(([, way]) => `${way.buy_market} → ${way.sell_market}`);
    const [asset] = Object.keys(this.snapshot.status.exposure);
    const strokes = [color("--way-a"), color("--way-b")];
    this.directions = ways.map(([way]) => way);
    legend("legend-edge", "net edge, bps", [...names.map((name, index) => [name, `way-${"ab"[index]}`]), ["threshold less costs", "dashed"], ["hedge", "dot"]]);
    legend("legend-exposure", `exposure, ${asset}`, [["lowest to highest", "band"]]);
    legend("legend-pnl", `made by hedges, ${this.snapshot.report.pnl.numeraire}`, [["cumulative", "gain"]]);
    const step = uPlot.paths.stepped({ align: 1 });
    const dashed = { dash: [5, 4], width: 1 };
    this.plots = [
      plot("plot-edge", [...strokes.map((stroke) => ({ stroke, width: 1.5 })), ...strokes.map((stroke) => ({ stroke, ...dashed }))], { hooks: { draw: [(u) => this.drawHedges(u)] } }),
      plot("plot-exposure", [color("--ink"), color("--ink")].map((stroke) => ({ stroke, width: 1, paths: step })), { bands: [{ series: [2, 1], fill: color("--band") }], around: true }),
      plot("plot-pnl", [{ stroke: color("--gain"), width: 1.5, paths: step, fill: color("--gain-fill") }], { around: true }),
    ];
    this.fit();
  }

  draw() {
    const { samples, curve } = this.series;
    const nowUs = Math.max(samples.at(-1).utc_us, this.snapshot.utc_us);
    const fromUs = Math.max(nowUs - this.minutes * 60e6, Math.min(samples[0].utc_us, nowUs - LEAST_US));
    const shown = samples.filter((sample) => sample.utc_us >= fromUs);
    const before = curve.findLast(([us]) => us < fromUs)?.[1] ?? "0";
    const steps = [[fromUs, before], ...curve.filter(([us]) => us >= fromUs)];
    const columns = [edgeColumns(shown, this.directions), exposureColumns(shown), curveColumns(steps, nowUs)];
    this.plots.forEach((each, index) => each.batch(() => {
      each.setData(columns[index]);
      each.setScale("x", { min: fromUs / 1e6, max: nowUs / 1e6 });
    }));
  }

  /** A mark at the moment of each hedge, on the net edge that it was decided for. */
  drawHedges(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.fillStyle = color("--ink");
    ctx.strokeStyle = color("--panel");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([]);
    for (const [us, net] of this.series.marks) {
      const x = u.valToPos(us / 1e6, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width || net === null) continue;
      const y = Math.min(Math.max(u.valToPos(Number(net), "y", true), bbox.top + 5), bbox.top + bbox.height);
      ctx.beginPath();
      ctx.arc(x, y, 4 * devicePixelRatio, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  }

  fit() {
    for (const each of this.plots ?? []) each.setSize({ width: each.root.parentElement.clientWidth, height: HEIGHT });
  }
}

function legend(id, title, entries) {
  $(id).replaceChildren(
    made("b", { text: title }),
    ...entries.map(([name, key]) => made("span", { className: `key ${key}`, text: name })),
  );
}

function plot(id, lines, { around = false, ...more } = {}) {
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const range = (u, low, high) => {
    const least = around ? Math.min(low ?? 0, 0) : low ?? -1;
    const most = around ? Math.max(high ?? 0, 0) : high ?? 1;
    const room = (most - least || 1) * 0.1;
    return [least - room, most + room];
  };
  return new uPlot(
    {
      width: $(id).clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range } },
      axes: [
        { ...axis, size: 24, values: (_, seconds) => seconds.map((second) => clock(second * 1e6).slice(0, seconds[1] - seconds[0] < 60 ? 8 : 5)) },
        { ...axis, size: 52 },
      ],
      series: [{}, ...lines.map((line) => ({ points: { show: false }, spanGaps: false, ...line }))],
      ...more,
    },
    [[], ...lines.map(() => [])],
    $(id),
  );
}
