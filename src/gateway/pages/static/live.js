// The live page: a plain client of the bars socket. What it doesn't know, it ignores.

import { Bars } from "./bars.js";
import { barTime, change, decimals, exact } from "./format.js";
import { Spark } from "./spark.js";
import { Stream } from "./stream.js";

const PRICES = ["open", "high", "low", "close"];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const closeTexts = JSON.parse(document.getElementById("close-texts").textContent);
const address = new URL("api/v1/ws", document.baseURI);
address.protocol = address.protocol.replace("http", "ws");

/** One symbol's row. Changes are drawn together, at most once a frame of the screen. */
class Row {
  bars = new Bars();
  #element;
  #fields;
  #absolute = document.createElement("span");
  #percent = document.createElement("span");
  #spark;
  #places = 2;
  #volumePlaces = 0;
  #last = null;
  #due = false;

  constructor(element) {
    this.#element = element;
    this.#fields = Object.fromEntries([...element.querySelectorAll("[data-field]")].map((e) => [e.dataset.field, e]));
    this.#percent.className = "percent";
    this.#fields.change.append(this.#absolute, this.#percent);
    this.#spark = new Spark(this.#fields.spark);
    this.symbol = element.dataset.symbol;
    this.resolution = element.dataset.resolution;
  }

  note(text) {
    this.#fields.note.textContent = text;
    this.#fields.note.hidden = !text;
    this.#element.classList.toggle("failed", Boolean(text));
  }

  changed() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  #draw() {
    const { bar, final, seen } = this.bars;
    const fields = this.#fields;
    if (!bar) {
      for (const name of ["last", "time", "volume", ...PRICES]) fields[name].textContent = "";
      this.#absolute.textContent = this.#percent.textContent = "";
      this.#spark.draw([], 0);
      this.#last = null;
      return;
    }
    // The widest price so far decides the decimals, so that the column stands still.
    this.#places = Math.max(this.#places, ...PRICES.map((name) => decimals(bar[name])));
    for (const name of PRICES) fields[name].textContent = exact(bar[name], this.#places);
    if (Number.isFinite(bar.volume)) {
      this.#volumePlaces = Math.max(this.#volumePlaces, decimals(bar.volume));
      fields.volume.textContent = exact(bar.volume, this.#volumePlaces);
    } else {
      fields.volume.textContent = "";
    }
    fields.time.textContent = barTime(bar.time, this.resolution);
    fields.time.classList.toggle("final", final);
    fields.time.title = final ? "This bar is final." : "This bar is open.";
    fields.last.textContent = exact(bar.close, this.#places);
    [this.#absolute.textContent, this.#percent.textContent] = change(bar.open, bar.close, this.#places);
    this.#element.dataset.direction = bar.close > bar.open ? "up" : bar.close < bar.open ? "down" : "flat";
    if (this.#last !== null && bar.close !== this.#last) this.#flash(bar.close > this.#last ? "up" : "down");
    this.#last = bar.close;
    this.#spark.draw(seen, bar.open);
  }

  #flash(direction) {
    if (calm.matches) return;
    const colour = getComputedStyle(this.#element).getPropertyValue(`--${direction}-flash`);
    this.#fields.last.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], {
      duration: 700,
      easing: "ease-out",
    });
  }
}

const rows = [...document.querySelectorAll("tr.symbol")].map((element) => new Row(element));
const byName = new Map(rows.map((row) => [`${row.symbol}\n${row.resolution}`, row]));
const rowOf = ({ symbol, resolution }) => byName.get(`${symbol}\n${resolution}`);

function take({ type, payload }) {
  if (type === "bars.update") {
    const row = rowOf(payload);
    if (row?.bars.update(payload)) {
      row.note("");
      row.changed();
    }
  } else if (type === "bars.ack") {
    const row = rowOf(payload);
    if (payload.status === "ok") {
      row?.bars.subscribed(payload);
      row?.note("");
      row?.changed();
    } else {
      row?.note(payload.message);
    }
  } else if (type === "bars.error") {
    rowOf(payload)?.note(payload.error);
  } else if (type === "error") {
    rows[payload.id]?.note(payload.message);
  }
}

const connection = document.getElementById("connection");
const stateText = document.getElementById("state");
const countdown = document.getElementById("countdown");
const button = document.getElementById("connect");
const notice = document.getElementById("notice");
let counting = null;

function why(code, reason) {
  const text = reason || closeTexts[code];
  return text ? `${text} (${code})` : `The connection was closed with code ${code}.`;
}

function showState({ state, code, reason, delay }) {
  clearInterval(counting);
  countdown.textContent = "";
  connection.dataset.state = state;
  document.body.classList.toggle("stale", state !== "open");
  button.hidden = state !== "waiting" && state !== "stopped";
  if (state === "open") {
    stateText.textContent = "Live";
    notice.hidden = true;
    rows.forEach((row, id) => stream.send("bars.subscribe", { symbol: row.symbol, resolution: row.resolution, id }));
  } else if (state === "connecting") {
    // Said once: a server that is away would otherwise be announced anew with each attempt.
    if (!stateText.textContent.startsWith("Reconnecting")) stateText.textContent = "Connecting";
  } else if (state === "waiting") {
    stateText.textContent = "Reconnecting";
    const until = performance.now() + delay;
    const count = () => {
      countdown.textContent = `in ${Math.max(0, Math.ceil((until - performance.now()) / 1000))} s`;
    };
    count();
    counting = setInterval(count, 1000);
  } else {
    stateText.textContent = "Stopped";
    notice.textContent = `The server ended the connection, and coming back by itself would not help. ${why(code, reason)}`;
    notice.hidden = false;
  }
}

const stream = new Stream(address, { onState: showState, onMessage: take });
button.addEventListener("click", () => stream.connect());
addEventListener("online", () => stream.connect());

for (const place of document.querySelectorAll("[data-socket]")) place.textContent = address.href;
for (const copy of document.querySelectorAll("button.copy")) {
  copy.addEventListener("click", async () => {
    const code = document.getElementById(copy.dataset.copies);
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "Copied";
    } catch {
      // Without TLS browsers give the clipboard to localhost alone: select it instead.
      getSelection().selectAllChildren(code);
      copy.textContent = "Selected";
    }
    setTimeout(() => {
      copy.textContent = "Copy";
    }, 2000);
  });
}

stream.connect();
