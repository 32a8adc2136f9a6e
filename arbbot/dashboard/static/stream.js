// The daemon's word four times a second, and how long ago the last one came.

const STALE_MS = 1750;
/** So that red is on the screen within two seconds of the last frame. */
const RETRY_MS = 1000;

export class Stream {
  /** `onFrame(snapshot)`, `onOpen()` after each (re)connection, `onRefused()` when the daemon ended it for good. */
  constructor({ onFrame, onOpen, onRefused }) {
    this.heardAt = null;
    this.missed = 0;
    this.frames = 0;
    this.lost = false;
    this.last = null;
    this.on = { onFrame, onOpen, onRefused };
  }

  open() {
    this.close();
    const source = (this.source = new EventSource("/api/stream"));
    source.addEventListener("open", () => {
      this.last = null;
      this.lost = false;
      this.on.onOpen();
    });
    source.addEventListener("now", (event) => this.take(event));
    source.addEventListener("error", () => {
      this.lost = true;
      if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
      this.retry = setTimeout(() => this.on.onRefused(), RETRY_MS);
    });
  }

  close() {
    clearTimeout(this.retry);
    this.source?.close();
  }

  take(event) {
    const number = Number(event.lastEventId);
    if (this.last !== null && number > this.last + 1) this.missed += number - this.last - 1;
    this.last = number;
    this.frames += 1;
    this.heardAt = performance.now();
    this.on.onFrame(JSON.parse(event.data));
  }

  /** Milliseconds since the last frame; null before the first. */
  ageMs() {
    return this.heardAt === null ? null : performance.now() - this.heardAt;
  }

  isStale() {
    const age = this.ageMs();
    return age !== null && age > STALE_MS;
  }
}
