// Both ways round: from the touch, less slippage and fees, to what a hedge would make now; and why none is opened.
import { $, each, lines, made, mark, put, row, short } from "./dom.js";
import { NONE, coarse, grouped, isNegative, plain, plural, rounded, signed, spaced } from "./format.js";
import { refusalTone } from "./words.js";

const two = (value) => signed(rounded(value, 2));
const cost = (value) => (isNegative(value) ? `+${rounded(value.slice(1), 2)}` : `-${rounded(value, 2)}`);
const METER = "meter";
const FIGURES = [
  ["gross at the touch", "touch_gross_bps", two],
  ["slippage of the size", "slippage_bps", (value) => cost(value).replace("-0.00", "0.00")],
  ["gross of the size", "gross_bps", two],
  ["fees, FX included", "fees_bps", cost],
  ["net", "net_bps", two],
  ["threshold (gross)", "threshold_bps", two],
  ["touch to threshold", METER],
  ["break-even (gross)", "break_even_bps", two],
  ["net floor", "net_floor_bps", two],
  ["size", "size", grouped],
];

export function drawEdge(snapshot) {
  const { status, why } = snapshot;
  const ways = Object.values(why.directions);
  const [asset] = Object.keys(status.exposure);
  const names = [$("edge-a-name"), $("edge-b-name")];
  ways.forEach((way, index) => put(names[index], `${way.buy_market} → ${way.sell_market}`, `buy on ${way.buy_market}, sell on ${way.sell_market}`));
  each($("edges"), FIGURES, ([name]) => name, ([name, field]) => figureRow(name, field), (node, [, field, shorten]) => {
    if (field === "size") put(node.firstElementChild, `size, ${asset}`);
    ways.forEach((way, index) => {
      const cell = node.children[index + 1];
      if (field === METER) drawMeter(cell, way);
      else short(cell, way[field] ?? null, shorten);
    });
  });
  const old = Object.values(status.books).some((book) => !book.fresh);
  put($("edge-basis"), old ? "bp, books not fresh" : "basis points");
  mark($("edge-basis"), "tone", old ? "wait" : "calm");
  each($("books"), Object.entries(status.books), ([symbol]) => symbol, () => row(3), drawBook);
  drawReasons(why.refusals);
  put($("fx"), fxWords(status.fx, snapshot.report.conversions));
}

function figureRow(name, field) {
  const node = row(2);
  put(node.firstElementChild, name);
  mark(node, "figure", field);
  if (field !== METER) return node;
  for (const cell of [node.children[1], node.children[2]]) {
    cell.append(made("span", { className: "share", text: NONE }), made("span", { className: "meter", children: [made("span")] }));
  }
  return node;
}

/** How far the gross edge reaches towards the threshold. */
function drawMeter(cell, way) {
  const known = way.touch_gross_bps !== null && way.threshold_bps !== null && Number(way.threshold_bps) > 0;
  const share = known ? Number(way.touch_gross_bps) / Number(way.threshold_bps) : 0;
  put(cell.firstElementChild, known ? `${Math.round(share * 100)} %` : NONE);
  mark(cell, "tone", share >= 1 ? "ok" : "calm");
  cell.lastElementChild.firstElementChild.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
}

function drawBook(node, [symbol, book]) {
  const [name, bid, ask, age] = node.children;
  put(name, symbol);
  put(bid, book.bid === null ? NONE : grouped(book.bid));
  put(ask, book.ask === null ? NONE : grouped(book.ask));
  const stopped = book.halted === true;
  put(age, stopped ? "market halted" : book.age_ms === null ? (book.bid === null ? "no book" : "old, feed down") : ageWords(book), book.age_ms === null ? "" : `${plain(String(book.age_ms))} ms`);
  mark(age, "tone", book.fresh && !stopped ? "calm" : "wait");
}

function ageWords(book) {
  const age = book.age_ms < 10_000 ? `${book.age_ms} ms` : coarse(book.age_ms / 1000);
  return book.from_feed ? `${age}${book.fresh ? "" : ", stale"}` : `${age}, old feed`;
}

function drawReasons(refusals) {
  const list = $("reasons");
  lines(list, refusals.map((each) => each.meaning), "nothing forbids a hedge");
  refusals.forEach((refusal, index) => {
    mark(list.children[index], "tone", refusalTone(refusal.name));
    list.children[index].title = refusal.name;
  });
}

function fxWords(fx, conversions) {
  const converting = fx.open_conversion ? `converting (${fx.open_conversion})` : fx.waiting ? `not converted: ${fx.waiting.meaning}` : "nothing waits to be converted";
  const done = conversions.converted + conversions.partial;
  const unpriced = fx.unpriced ? " · the FX leg is unpriced: no edge or P&L of a hedge has converting it in" : "";
  return `${fx.currency} policy: ${spaced(fx.policy)}${unpriced} · ${converting}${done ? ` · ${plural(done, "conversion")} done` : ""}`;
}
