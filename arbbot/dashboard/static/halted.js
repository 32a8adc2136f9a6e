// After a halt: what is still open, until the venue itself has said that nothing is.
import { $, mark, put, show } from "./dom.js";
import { clock, coarse, grouped, isZero, plural } from "./format.js";

/** The daemon tells the age of its agreement in tenths of a second. */
const AGE_STEP_US = 100_000;

export function drawAfterHalt(snapshot) {
  const { status } = snapshot;
  const strip = $("after-halt");
  const halted = status.state === "halted" || status.state === "panic";
  show(strip, halted);
  if (!halted) return;
  const { word, text, tone } = afterHalt(snapshot);
  mark(strip, "tone", tone);
  put($("after-halt-word"), word);
  put($("after-halt-text"), text);
}

export function afterHalt({ status, utc_us: nowUs }) {
  const since = status.state_since_us;
  const open = stillOpen(status);
  if (open.length) return { word: "Still open", text: open.join(" · "), tone: "wait" };
  if (!status.reconciled) {
    return { word: "Waiting for the venue", text: "no order of ours is open; the ledger has not been seen equal to the venue since", tone: "wait" };
  }
  const agreedUs = nowUs - Math.round(Number(status.reconciled_age_s) * 1e6) - AGE_STEP_US;
  const seenUs = status.confirmed_us ?? agreedUs;
  if (since === null || seenUs >= since) {
    const when = since === null ? "" : `, ${coarse((seenUs - since) / 1e6)} after the halt`;
    return { word: "Confirmed from the venue", text: `nothing is open, and at ${clock(seenUs)} the ledger equalled the venue's balances${when}`, tone: "ok" };
  }
  return { word: "Nothing is open", text: `nothing was sent since the ledger last equalled the venue, at ${clock(agreedUs)}; waiting for the venue's next word`, tone: "wait" };
}

function stillOpen(status) {
  const open = [];
  const { open_orders: orders, in_doubt: doubted } = status;
  if (orders.length) open.push(plural(orders.length, "order") + (doubted.length ? `, ${doubted.length} in doubt` : ""));
  for (const [asset, { low, high }] of Object.entries(status.exposure)) {
    if (!status.flat && !(isZero(low) && isZero(high))) open.push(`${grouped(low)} to ${grouped(high)} ${asset}`);
  }
  if (status.open_hedge) open.push(`hedge ${status.open_hedge}`);
  if (!open.length && !status.flat) open.push("a position beyond dust");
  return open;
}
