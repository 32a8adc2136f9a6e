// What was made, in lines that are never summed in silently; by day and direction; the ledger's own bridge.
import { $, each, exact, made, mark, pairs, put, row, short } from "./dom.js";
import { NONE, clock, day, grouped, isNegative, percent, plural, rounded, signed } from "./format.js";
import { OUTCOMES } from "./words.js";

const two = (value) => signed(rounded(value, 2));
const LINES = [
  ["hedges, net of fees", "hedge"],
  ["readiness drills", "drills"],
  ["FX drift", "fx_drift"],
  ["· realised", "fx_realised"],
  ["· unrealised", "fx_unrealised"],
  ["FX fees", "fx_fees"],
  ["hedges as converted", "converted"],
  ["float revalued", "float_revaluation"],
  ["foreign revalued", "foreign_revaluation"],
];

export function drawPnl(snapshot) {
  const { report } = snapshot;
  const { pnl, edge_bps: edge, drawdown, fees } = report;
  for (const node of document.querySelectorAll(".numeraire")) put(node, pnl.numeraire);
  short($("pnl-short"), pnl.hedge, two);
  mark($("pnl-short"), "sign", isNegative(pnl.hedge) ? "loss" : "gain");
  const paid = Object.entries(fees).map(([currency, fee]) => [`fees paid, ${currency}`, fee]);
  pairs($("pnl-lines"), [
    ...LINES.map(([name, field]) => [name, (node) => exact(node, pnl[field])]),
    ...paid.map(([name, fee]) => [name, (node) => exact(node, fee)]),
    ["drawdown now", (node) => exact(node, drawdown.now)],
    ["drawdown, worst", (node) => exact(node, drawdown.worst)],
  ]);
  const bps = (value) => (value === null ? NONE : two(value));
  put($("pnl-foot"), `edge expected ${bps(edge.expected)} bps, realised ${bps(edge.realised)} bps`);
  put($("pnl-since"), begun(report.since));
}

/** From when all money counts. */
function begun(since) {
  if (since === null) return "counts once the account has been read";
  const cause = since.cause === "opening" ? "the ledger's opening" : `a rebase by ${since.who}: ${since.reason}`;
  return `all since ${day(since.utc_us)} ${clock(since.utc_us)} UTC, ${cause}`;
}

export function drawRates({ report, why }) {
  const first = ways === null;
  ways = why.directions;
  if (first && latest) drawDays(latest);
  const { turnover_per_day: turnover, net_return_annualised: yearly } = report;
  put($("rates"), `turnover ${turnover === null ? NONE : `${rounded(turnover, 2)} times`} the capital a day; net return a year ${yearly === null ? `${NONE} (after a day)` : percent(yearly, 2)}`);
}

/** What directions are called, by the last frame; and the days, which may have come before any. */
let ways = null;
let latest = null;

export function drawDays(days) {
  latest = days;
  if (ways === null) return;
  const key = (each) => `${each.day} ${each.direction}`;
  each($("days"), days, key, () => row(4), (node, line) => {
    const [day, on, hedges, expected, realised] = node.children;
    put(day, line.day);
    put(on, ways[line.direction]?.buy_market ?? line.direction);
    put(hedges, String(line.hedges));
    short(expected, line.expected_pnl, two);
    short(realised, line.realised_pnl, two);
    node.title = `turnover ${grouped(line.turnover)}`;
  });
  if (!days.length) each($("days"), [0], () => "none", () => made("tr", { children: [made("td", { text: "no hedge has been settled yet", className: "none" })] }), (node) => (node.firstElementChild.colSpan = 5));
}

const BRIDGE = ["opening", "booked", "external", "rounding", "settled", "in_transit", "venue", "difference"];

/** One column a currency: opening + booked + external + rounding + settled + in transit = venue, when the difference is nothing. */
export function drawBridge({ report }) {
  const currencies = Object.keys(report.ledger);
  const head = document.querySelector(".bridge thead tr");
  each(head, ["", ...currencies], (name) => name || "line", () => made("th"), (node, name) => {
    node.scope = "col";
    put(node, name || "line");
  });
  each($("bridge"), BRIDGE, (name) => name, () => row(currencies.length), (node, name) => {
    put(node.firstElementChild, name);
    currencies.forEach((currency, index) => {
      const cell = node.children[index + 1];
      exact(cell, report.ledger[currency][name]);
      mark(cell, "label", currency);
    });
  });
}

export function hedgeCounts({ hedges }) {
  const told = ["completed", "one_sided", "nothing", "abandoned", "open"].filter((name) => hedges[name]);
  return told.length ? told.map((name) => `${hedges[name]} ${OUTCOMES[name]}`).join(" · ") : plural(0, "hedge");
}
