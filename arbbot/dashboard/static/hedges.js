// The table of hedges: the last ones from memory, older ones from the journal page by page.
import { $, each, exact, made, mark, put, short, show } from "./dom.js";
import { NONE, day, grouped, moment, plain, rounded, signed, utc } from "./format.js";
import { ask } from "./session.js";
import { openTimeline } from "./timeline.js";
import { OUTCOMES } from "./words.js";

const AT_ONCE = 50;
/** How many the daemon tells of in one answer. */
const PAUSE_MS = 1000;
/** Between two readings of the list, however often it changes. */
const CLASSES = ["", "w num", "", "w num", "w num", "w num", "m num", "m num", "num"];
const two = (value) => signed(rounded(value, 2));

export class Hedges {
  /** `onChange(hedges, changed)` gets those that are shown, newest first, and the ids of those that changed;
   * `onDays(days)` what the last days made. */
  constructor(onChange, onDays) {
    this.known = new Map();
    this.version = null;
    this.pages = 1;
    this.next = null;
    this.nowUs = 0;
    this.onChange = onChange;
    this.onDays = onDays;
    $("older").addEventListener("click", () => this.readOlder());
  }

  /** Begin anew, as with another process of the daemon: its journal may be another. */
  forget() {
    this.known.clear();
    this.pages = 1;
    this.readSoon();
  }

  /** A frame tells that something changed. */
  see(snapshot) {
    const before = day(this.nowUs);
    this.nowUs = snapshot.utc_us;
    if (day(this.nowUs) !== before) this.draw(); // what was today's is yesterday's
    if (snapshot.hedges_version !== this.version) this.readSoon();
  }

  readSoon() {
    if (this.due) return;
    const wait = Math.max(0, (this.readAt ?? -PAUSE_MS) + PAUSE_MS - performance.now());
    this.due = setTimeout(() => this.read(), wait);
  }

  async read() {
    this.readAt = performance.now();
    try {
      const told = await ask("/api/hedges");
      this.version = told.version;
      this.onDays(told.days);
      this.take(told.hedges);
      this.show(told.next === null ? null : told.next - (this.known.size - told.hedges.length));
    } catch (error) {
      put($("hedge-note"), `not read: ${error.message}`);
    } finally {
      this.due = null;
    }
  }

  async readOlder() {
    const button = $("older");
    button.disabled = true;
    try {
      const told = await ask(`/api/hedges?before=${encodeURIComponent(this.next)}`);
      this.pages += 1;
      this.take(told.hedges);
      this.show(told.next);
    } catch (error) {
      put($("hedge-note"), `not read: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  }

  /** Keeps as many as were asked for. A row counts the records of its hedge, so that it tells of every change. */
  take(hedges) {
    const changed = new Set();
    for (const hedge of hedges) {
      const text = JSON.stringify(hedge);
      if (this.known.get(hedge.hedge_id)?.text !== text) changed.add(hedge.hedge_id);
      this.known.set(hedge.hedge_id, { hedge, text });
    }
    const kept = [...this.known].sort(([, a], [, b]) => b.hedge.utc_us - a.hedge.utc_us).slice(0, this.pages * AT_ONCE);
    this.known = new Map(kept);
    this.onChange(kept.map(([, { hedge }]) => hedge), changed);
  }

  /** `next` is the number of the oldest that is shown; null where there is no older one. */
  show(next) {
    this.next = next !== null && next > 1 ? next : null;
    this.draw();
    put($("hedge-note"), this.known.size ? "A hedge opens its timeline." : "No hedge yet.");
    show($("older"), this.next !== null);
  }

  draw() {
    const today = day(this.nowUs);
    each($("hedges"), this.known.values(), ({ hedge }) => hedge.hedge_id, ({ hedge }) => makeRow(hedge), (node, { hedge, text }) => {
      if (node.drawn === text + today) return;
      node.drawn = text + today;
      drawRow(node, hedge, this.nowUs);
    });
  }
}

function makeRow(hedge) {
  const open = made("button", { className: "link", text: hedge.hedge_id });
  open.type = "button";
  const cells = CLASSES.map((className) => made("td", { className }));
  cells[0].append(open);
  const node = made("tr", { children: [made("th"), ...cells] });
  node.firstElementChild.scope = "row";
  node.addEventListener("click", () => openTimeline(hedge.hedge_id, open));
  return node;
}

function drawRow(node, hedge, nowUs) {
  const [time, id, size, outcome, bought, sold, gap, expected, realised, made_] = node.children;
  mark(node, "outcome", hedge.outcome);
  put(time, moment(hedge.utc_us, nowUs), utc(hedge.utc_us));
  put(id.firstElementChild, hedge.hedge_id);
  exact(size, hedge.size);
  size.title = `bound by ${hedge.bound_by}`;
  put(outcome, (OUTCOMES[hedge.outcome] ?? hedge.outcome) + (hedge.drill ? ", drill" : ""));
  drawLeg(bought, hedge.buy);
  drawLeg(sold, hedge.sell);
  short(gap, hedge.leg_gap_ms, (value) => `${rounded(value, 1)} ms`);
  short(expected, hedge.expected_bps, two);
  short(realised, hedge.realised_bps, two);
  short(made_, hedge.realised_pnl, two);
}

function drawLeg(cell, leg) {
  if (leg === null) return put(cell, NONE);
  const filled = leg.price === null ? `nothing on ${leg.market}` : `${leg.market} at ${rounded(leg.price, 2)}`;
  const fees = Object.entries(leg.fees).map(([currency, fee]) => `${plain(fee)} ${currency}`).join(", ");
  const limit = leg.limit === null ? "at market" : `limit ${grouped(leg.limit)}`;
  put(cell, filled, `${leg.state}: ${plain(leg.filled)} of ${plain(leg.size)} at ${leg.price ?? "no price"}, ${limit}, fees ${fees || "none"}`);
}
