// The daemon's word four times a second, and how old it is. A browser has six sockets for a host, and commands need
// one: so one page holds the stream for all pages of the browser, and hidden ones neither hold it nor listen.

const STALE_MS = 1750;
/** So that red is on the screen within two seconds of the last frame. */
const RETRY_MS = 1000;
const ANEW_MS = 5000;
/** Where frames come late, a new connection begins with a new one; not sooner than so long after the last. */

export class Stream {
  /** `onFrame(snapshot)`, `onOpen()` when all is to be read anew, `onRefused()` when the daemon ended it for good. */
  constructor({ onFrame, onOpen, onRefused }) {
    this.madeAt = null;
    this.asksSince = null;
    this.missed = 0;
    this.frames = 0;
    this.lost = false;
    this.refusal = "";
    this.on = { onFrame, onOpen, onRefused };
    this.fresh();
    this.pages = new BroadcastChannel("frames");
    this.pages.addEventListener("message", ({ data: [what, ...said] }) => this.turn && !this.source && this[what](...said));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.asksSince !== null && this.open()));
  }

  open() {
    this.close();
    this.asksSince ??= Date.now();
    if (document.hidden) return;
    const turn = (this.turn = new AbortController());
    this.openedAt = Date.now();
    this.fresh();
    if (!navigator.locks) this.listen(); // a browser has none where the page comes neither from loopback nor by TLS
    else navigator.locks.request("frames", { signal: turn.signal }, () => this.lead(turn.signal)).catch(() => {}); // its turn never came
    this.on.onOpen();
  }

  close() {
    clearTimeout(this.retry);
    this.turn?.abort();
    this.turn = null;
    this.source?.close();
    this.source = null;
  }

  /** Holds the stream for all pages until it is closed. */
  lead(signal) {
    if (signal.aborted) return;
    this.listen();
    return new Promise((over) => signal.addEventListener("abort", over));
  }

  listen() {
    const source = (this.source = new EventSource("/api/stream"));
    source.addEventListener("open", () => this.tell("began"));
    source.addEventListener("now", (event) => this.tell("take", Number(event.lastEventId), event.data));
    source.addEventListener("error", async () => {
      if (source.readyState !== EventSource.CLOSED) return this.tell("broke", ""); // it comes back by itself
      this.tell("broke", await refusal());
      if (source === this.source) this.retry = setTimeout(() => this.giveWay(), RETRY_MS);
    });
  }

  /** Another page may have the session, or the place, that this one lacks. */
  giveWay() {
    this.close();
    this.on.onRefused();
  }

  /** Without locks every page holds a stream, and with six of them no socket is left: this page's goes to the command. */
  async aside(send) {
    if (navigator.locks) return send();
    this.close();
    try {
      return await send();
    } finally {
      this.open();
    }
  }

  /** To every page, this one too. */
  tell(what, ...said) {
    this.pages.postMessage([what, ...said]);
    this[what](...said);
  }

  began() {
    this.fresh();
    this.refusal = "";
    if (this.lost) this.on.onOpen();
    this.lost = false;
  }

  broke(refusal) {
    this.lost = true;
    this.refusal = refusal;
  }

  /** With a new connection the numbers and the comparison of clocks begin anew. */
  fresh() {
    this.last = null;
    this.aheadMs = Infinity;
  }

  take(number, text) {
    if (this.last !== null && number > this.last + 1) this.missed += number - this.last - 1;
    this.last = number;
    this.frames += 1;
    this.lost = false;
    const snapshot = JSON.parse(text);
    this.madeAt = this.made(snapshot.utc_us / 1000);
    this.on.onFrame(snapshot);
    if (this.source && this.isStale() && Date.now() - this.openedAt > ANEW_MS) this.open();
  }

  /** When a frame was made, by our own clock, which is as far ahead of the daemon's as the quickest frame says. */
  made(utcMs) {
    if (utcMs < this.utcMs) this.aheadMs = Infinity; // frames come in order: its clock was set back
    this.utcMs = utcMs;
    this.aheadMs = Math.min(this.aheadMs, Date.now() - utcMs);
    return utcMs + this.aheadMs;
  }

  /** Milliseconds since the last frame was made, however late it came; null before the first. */
  ageMs() {
    return this.madeAt === null ? null : Math.max(0, Date.now() - this.madeAt);
  }

  /** Also where a first frame is waited for in vain. */
  isStale() {
    return this.silentMs() > STALE_MS;
  }

  silentMs() {
    return this.ageMs() ?? (this.asksSince === null ? 0 : Date.now() - this.asksSince);
  }
}

/** Why the stream is refused, in the daemon's words, which an EventSource does not pass on. */
async function refusal() {
  const stop = new AbortController();
  try {
    const reply = await fetch("/api/stream", { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(RETRY_MS)]) });
    return reply.ok ? "" : (await reply.json()).error ?? "";
  } catch {
    return "";
  } finally {
    stop.abort();
  }
}
