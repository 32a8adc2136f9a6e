// What the charts draw: an hour of samples and the P&L curve, from the daemon at first and from the stream since.
import { ask } from "./session.js";

const KEPT = 3600;
const CURVE_KEPT = 2000;

export class Series {
  constructor() {
    this.samples = [];
    this.curve = [];
    this.marks = new Map();
    /** Net edges by the microsecond of the decision for them. */
    this.changed = false;
    this.whole = false;
    /** Once the time before the page was opened is there. */
  }

  async read() {
    const told = await ask("/api/series");
    this.samples = told.samples;
    this.curve = told.pnl;
    for (const [us, net] of told.marks) this.marks.set(us, net);
    this.whole = true;
    this.changed = true;
  }

  seeHedges(hedges) {
    for (const hedge of hedges) this.marks.set(hedge.utc_us, hedge.net_bps);
    this.changed = true;
  }

  see({ sample, report, utc_us: nowUs }) {
    const last = this.samples.at(-1);
    if (sample && (!last || sample.utc_us > last.utc_us)) {
      this.samples.push(sample);
      if (this.samples.length > KEPT) this.samples.shift();
      for (const us of this.marks.keys()) if (us < this.samples[0].utc_us) this.marks.delete(us);
      this.changed = true;
    }
    const made = report.pnl.hedge;
    if (made !== (this.curve.at(-1)?.[1] ?? "0") && Number(made) !== Number(this.curve.at(-1)?.[1] ?? 0)) {
      this.curve.push([nowUs, made]);
      if (this.curve.length > CURVE_KEPT) this.curve.shift();
      this.changed = true;
    }
  }
}

const number = (text) => (text === null || text === undefined ? null : Number(text));

/** Net edge of each direction and its threshold less the same costs, for the plotting library: numbers, seconds. */
export function edgeColumns(samples, directions) {
  const columns = [samples.map((sample) => sample.utc_us / 1e6)];
  for (const way of directions) columns.push(samples.map((sample) => number(sample.net_bps[way])));
  for (const way of directions) {
    columns.push(
      samples.map((sample) => {
        const [gross, net, threshold] = [sample.gross_bps[way], sample.net_bps[way], sample.threshold_bps[way]].map(number);
        return gross === null || net === null || threshold === null ? null : threshold - (gross - net);
      }),
    );
  }
  return columns;
}

export const exposureColumns = (samples) => [
  samples.map((sample) => sample.utc_us / 1e6),
  samples.map((sample) => number(sample.low)),
  samples.map((sample) => number(sample.high)),
];

/** A step for each hedge that was settled, held until now. */
export function curveColumns(curve, nowUs) {
  const points = curve.length && nowUs > curve.at(-1)[0] ? [...curve, [nowUs, curve.at(-1)[1]]] : curve;
  return [points.map(([us]) => us / 1e6), points.map(([, made]) => number(made))];
}
