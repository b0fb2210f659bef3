// Bars: the newest bar of one subscription, and the prices seen. It knows the protocol, and nothing of the page.

const SEEN = 120;
const PRICES = ["open", "high", "low", "close"];

function isBar(bar) {
  return Number.isFinite(bar?.time) && PRICES.every((name) => Number.isFinite(bar[name]));
}

export class Bars {
  /** The newest bar, or null; whether it is final; the last prices, oldest first. */
  bar = null;
  final = false;
  seen = [];
  #epoch;

  /** Take a `bars.ack` of status ok. Without the same epoch nothing says that time goes on where it was. */
  subscribed({ epoch }) {
    if (epoch === undefined || epoch !== this.#epoch) this.#startOver(epoch);
  }

  /** Take a `bars.update`; say whether it was shown. An older state than the one held never is. */
  update({ bar, final, epoch }) {
    if (!isBar(bar)) return false;
    if (epoch !== undefined && epoch !== this.#epoch) this.#startOver(epoch);
    if (this.bar && (bar.time < this.bar.time || (bar.time === this.bar.time && this.final && final !== true))) {
      return false;
    }
    this.bar = bar;
    this.final = final === true;
    this.seen.push(bar.close);
    if (this.seen.length > SEEN) this.seen.shift();
    return true;
  }

  #startOver(epoch) {
    this.bar = null;
    this.final = false;
    this.seen = [];
    this.#epoch = epoch;
  }
}
