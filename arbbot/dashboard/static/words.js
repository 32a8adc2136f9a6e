// What the daemon's names mean to a person, and how much they matter. Tones: ok, calm, wait, alarm.
// alarm (red) is kept for what needs a person.

export const MODES = {
  paper: "simulated fills",
  sandbox: "no real money",
  live: "REAL MONEY",
};

export const STATES = {
  active: { tone: "ok", means: "hedges open when there is an edge" },
  paused: { tone: "wait", means: "a person paused it; no new hedges" },
  reducing: { tone: "alarm", means: "no new hedges until a person resumes" },
  halted: { tone: "alarm", means: "nothing is traded until a person resumes" },
  panic: { tone: "alarm", means: "everything is cancelled; only a person resumes" },
};

/** The daemon has tried to reconnect as often as it may: nothing comes back by itself. */
export const FEED_DEAD = "the feed is dead";

export const LATCHED = ["reducing", "halted", "panic"];

/** Refusals that end by themselves and are no fault: the market, or the pace of trading. */
const CALM = new Set([
  "below_threshold", "below_net_floor", "not_persisted", "cooldown", "hedge_open", "converting", "slippage", "collar",
  "sell_below_limit", "thin_book", "fx_depth", "book_depth", "far_from_median", "too_good", "books_skewed",
  "median_unknown", "duplicate", "order_rate", "cancel_rate",
]);
const WANT_A_PERSON = new Set(["halted", "reducing", "unhedged", "limit_reached", "fx_given_up"]);

export function refusalTone(name) {
  if (WANT_A_PERSON.has(name)) return "alarm";
  return CALM.has(name) ? "calm" : "wait";
}

const NO_EDGE = new Set(["below_threshold", "below_net_floor"]);
/** The one word for the answer. */
export function refusalWord(name) {
  if (NO_EDGE.has(name)) return "No edge";
  if (name === "hedge_open") return "Hedging";
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

const ORDER = ["ok", "calm", "wait", "alarm"];
export const worst = (...tones) => tones.reduce((a, b) => (ORDER.indexOf(b) > ORDER.indexOf(a) ? b : a), "ok");

/** Hard limits: name, and unit where it is no count; null is the numeraire. */
const LIMITS = {
  daily_loss: ["loss of hedges, UTC day", null],
  equity_loss: ["loss of balances, UTC day", null],
  losers_in_row: ["losing hedges in a row", ""],
  max_rejects: ["orders refused by the venue", ""],
  max_hedges: ["hedges in a short time", ""],
  unhedged_notional: ["one-sided, worth", null],
  unhedged_s: ["one-sided for", " s"],
};

export const limitName = (name) => LIMITS[name]?.[0] ?? name.replaceAll("_", " ");
export function limitUnit(name, numeraire) {
  const unit = LIMITS[name]?.[1] ?? null;
  return unit === null ? (name in LIMITS ? ` ${numeraire}` : "") : unit;
}

/** How the venue's order states read. */
export const ORDER_STATES = { intent: "being sent", live: "resting", in_doubt: "IN DOUBT" };
export const OUTCOMES = {
  open: "open", completed: "completed", one_sided: "one-sided", nothing: "nothing filled", abandoned: "abandoned",
};
