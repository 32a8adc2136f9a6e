// The four questions an operator asks, answered in a word and a sentence.
import { $, mark, put } from "./dom.js";
import { coarse, grouped, isNegative, isZero, plural } from "./format.js";
import { FEED_DEAD, LATCHED, ORDER_STATES, STATES, refusalTone, refusalWord, worst } from "./words.js";

const DOUBT_ALARM_S = 60;
/** When the daemon itself calls a person. */

export function drawAnswers(snapshot) {
  answer("answer-flat", flat(snapshot));
  answer("answer-doubt", doubt(snapshot));
  answer("answer-trading", trading(snapshot));
  answer("answer-ledger", ledger(snapshot));
}

function answer(id, { word, why, tone }) {
  const node = $(id);
  mark(node, "tone", tone);
  put(node.querySelector(".word"), word);
  put(node.querySelector(".why"), why, why);
}

export function flat({ status, utc_us: nowUs }) {
  const [asset, { low, high }] = Object.entries(status.exposure)[0];
  if (!status.armed && status.reconciled_age_s === null) return { word: "Not known", why: "the account has not been read yet", tone: "wait" };
  const dust = status.carried_dust !== null && !isZero(status.carried_dust);
  if (status.flat) {
    return { word: "Flat", why: dust ? `carrying ${grouped(status.carried_dust)} ${asset} of dust` : `no ${asset} exposure, no order open`, tone: "ok" };
  }
  const latched = LATCHED.includes(status.state);
  const open = status.unhedged_since_us ? `, for ${coarse((nowUs - status.unhedged_since_us) / 1e6)}` : "";
  const range = low === high ? `${grouped(low)} ${asset}` : `${grouped(low)} to ${grouped(high)} ${asset}`;
  const sided = isNegative(high) || (!isZero(low) && !isNegative(low));
  if (sided) return { word: "One-sided", why: `${range}${open}`, tone: latched ? "alarm" : "wait" };
  if (status.open_hedge) return { word: "Hedging", why: `${range}${open}`, tone: latched ? "wait" : "calm" };
  return { word: "Not flat", why: range, tone: latched ? "alarm" : "wait" };
}

export function doubt({ status }) {
  const ended = status.open_orders_listed?.ours;
  if (ended) return { word: `${plural(ended, "order")} listed`, why: "the venue still lists as open what our books have ended: look there", tone: "alarm" };
  const orders = status.open_orders.filter((order) => order.in_doubt);
  if (!orders.length) {
    if (!status.armed) return { word: "Nothing", why: "by the journal; the venue has not told yet", tone: "calm" };
    const open = status.open_orders.length;
    return { word: "Nothing", why: open ? `${plural(open, "order")} open, each known to the venue or being sent` : "no order is open", tone: "ok" };
  }
  const oldest = Math.max(...orders.map((order) => Number(order.age_s)));
  const [first] = orders;
  return {
    word: plural(orders.length, "order"),
    why: `${first.client_order_id} may still ${first.side} ${grouped(first.may_fill)} on ${first.market}; asking the venue for ${coarse(oldest)}`,
    tone: oldest >= DOUBT_ALARM_S || LATCHED.includes(status.state) ? "alarm" : "wait",
  };
}

export function trading({ status, why }) {
  if (status.stopping) return { word: "Stopping", why: status.stopping, tone: status.problems.includes(FEED_DEAD) ? "alarm" : "wait" };
  if (LATCHED.includes(status.state)) {
    return { word: refusalWord(status.state), why: status.state_reason || STATES[status.state].means, tone: "alarm" };
  }
  if (status.state === "paused") return { word: "Paused", why: status.state_reason || STATES.paused.means, tone: "wait" };
  const refusals = why.refusals;
  if (!refusals.length) return { word: "Trading", why: "nothing forbids a hedge at this moment", tone: "ok" };
  const [first] = refusals;
  return {
    word: refusalWord(first.name),
    why: refusals.map((each) => each.meaning).join("; "),
    tone: worst(...refusals.map((each) => refusalTone(each.name))),
  };
}

export function ledger({ status }) {
  const age = status.reconciled_age_s === null ? null : coarse(Number(status.reconciled_age_s));
  if (status.differs) return { word: "Differs", why: `${status.differs}; last equal ${age} ago${status.rebase_waiting ? "; a rebase waits" : ""}`, tone: "alarm" };
  if (status.rebase_waiting) return { word: "Rebase waits", why: "the ledger begins anew once the account is quiet; no hedge opens until then", tone: "wait" };
  const busy = status.open_orders.length > 0 || status.open_hedge !== null;
  if (status.reconciled) return { word: "Equal", why: `equal to the venue's balances ${age} ago`, tone: "ok" };
  if (age === null) return { word: "Not known", why: "the venue's balances have not been compared yet", tone: "wait" };
  if (busy) return { word: "Pending", why: `compared when nothing is open; equal ${age} ago`, tone: "calm" };
  return { word: "Not yet equal", why: `reading the account again; last equal ${age} ago`, tone: "wait" };
}

export const orderState = (order) => ORDER_STATES[order.state] ?? order.state.replaceAll("_", " ");
