// Limits with memory: where each stands, which are tripped, who reset what.
import { $, each, lines, made, mark, pairs, put, row, short } from "./dom.js";
import { clock, day, grouped, isNegative, rounded, spaced } from "./format.js";
import { limitName, limitUnit } from "./words.js";

const NEAR = 0.8;
const figure = (value) => (value.includes(".") ? rounded(value, 2) : grouped(value));

export function drawLimits(snapshot) {
  const { limits } = snapshot.status;
  lines($("tripped"), limits.tripped.map((trip) => `${limitName(trip.name)}: ${grouped(trip.measured)} of ${grouped(trip.limit)}${limitUnit(trip.name, limits.numeraire)}, ${trip.mode} since ${day(trip.utc_us)} ${clock(trip.utc_us)} UTC`));
  mark($("tripped"), "tone", "alarm");
  const tripped = new Set(limits.tripped.map((trip) => trip.name));
  each($("limits"), Object.entries(limits.hard), ([name]) => name, () => row(2), (node, [name, line]) => {
    const unit = limitUnit(name, limits.numeraire);
    put(node.firstElementChild, limitName(name), spaced(name));
    short(node.children[1], line.measured, (text) => (isNegative(text) ? "none" : `${figure(text)}${unit}`));
    short(node.children[2], line.limit, (text) => `${figure(text)}${unit}`);
    mark(node, "tone", tripped.has(name) ? "alarm" : Number(line.measured) >= NEAR * Number(line.limit) ? "wait" : "calm");
  });
  if (!Object.keys(limits.hard).length) {
    each($("limits"), [0], () => "none", () => made("tr", { children: [made("td", { text: "nothing can be measured yet", className: "none" })] }), (node) => (node.firstElementChild.colSpan = 3));
  }
  const money = (value) => (node) => short(node, value, (text) => `${rounded(text, 2)} ${limits.numeraire}`);
  pairs($("limit-lines"), [
    ["bought, last hour", money(limits.notional_hour)],
    ["bought, UTC day", money(limits.notional_day)],
    ["made, UTC day", money(limits.realised_day)],
    ["losers in a row", String(limits.losers_in_row)],
    ["orders, last minute", String(limits.orders_last_minute)],
    ["cancels, last minute", String(limits.cancels_last_minute)],
  ]);
  lines($("resets"), limits.last_resets.map((reset) => `${day(reset.reset_utc_us)} ${clock(reset.reset_utc_us)} UTC ${limitName(reset.name)} by ${reset.who}: ${reset.reason}`), "none");
}

/** For the first screen: what is tripped, or which limit is nearest. */
export function drawNearest({ status }) {
  const { hard, tripped } = status.limits;
  const used = Object.entries(hard).filter(([, line]) => Number(line.limit) > 0).map(([name, line]) => ({ name, line, share: Number(line.measured) / Number(line.limit) }));
  const nearest = used.sort((a, b) => b.share - a.share)[0];
  const words = tripped.length
    ? `tripped: ${tripped.map((trip) => limitName(trip.name)).join(", ")}`
    : nearest && nearest.share > 0
      ? `none tripped; nearest ${limitName(nearest.name)}, ${figure(nearest.line.measured)} of ${figure(nearest.line.limit)}${limitUnit(nearest.name, status.limits.numeraire)}`
      : "none tripped, none in sight";
  put($("nearest"), words);
  mark($("nearest"), "tone", tripped.length ? "alarm" : nearest && nearest.share >= NEAR ? "wait" : "calm");
}

export function drawRefusals({ why }) {
  const counts = Object.entries(why.counts);
  pairs($("refusals"), counts.length ? counts.map(([name, count]) => [spaced(name), grouped(String(count))]) : [["none", ""]]);
}
