// Frames a second that the TypeScript client takes in on one core, beside JSON.parse alone. No socket is involved.
//
//   make client && node bench/typescript_client.mjs [FRAMES]
//
// Each line is one way of taking in the same frames: final bars of one subscription, and trades of an exchange.

import { isBarsUpdate, isTrade } from "../clients/typescript/dist/checks.js";
import { TapecastClient } from "../clients/typescript/dist/index.js";

const COUNT = Number(process.argv[2] ?? 500_000);
const BATCH = 1000; // frames between two turns of the event loop, about as a socket gives them

const bars = Array.from({ length: COUNT }, (_, index) =>
  JSON.stringify({
    type: "bars.update",
    payload: {
      symbol: "sim:BTC/USDT",
      resolution: "1",
      bar: { time: 1793325600000 + index, open: 65012.37, high: 65100.5, low: 64990.01, close: 65033.2, volume: 12.345 },
      timestamp: 1793325600123,
      final: true,
      seq: index + 1,
      prev: index,
      epoch: "e1",
    },
  }),
);
const trades = Array.from({ length: COUNT }, (_, index) =>
  JSON.stringify({
    type: "trade",
    exchange: "sim",
    symbol: "BTC/USDT",
    trade_id: String(index),
    timestamp: 1793325600123,
    price: 65012.37,
    volume: 0.0123,
    side: "buy",
    seq: index + 1,
    prev: index,
  }),
);

class FakeSocket {
  static last = null;
  sent = [];
  constructor() {
    FakeSocket.last = this;
    queueMicrotask(() => this.onopen({}));
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {}
}

function report(what, frames, ms) {
  console.log(`${what.padEnd(44)} ${Math.round((frames / ms) * 1000).toLocaleString("en").padStart(12)} frames/s`);
}

async function parse(what, frames, check) {
  const start = performance.now();
  let good = 0;
  for (const text of frames) {
    good += check(JSON.parse(text)) ? 1 : 0;
  }
  report(what, good, performance.now() - start);
}

async function take(what, frames, channel, first) {
  const messages = channel.messages();
  while (FakeSocket.last?.onopen == null) {
    await new Promise(setImmediate);
  }
  await new Promise(setImmediate);
  const socket = FakeSocket.last;
  await first(socket);
  let count = 0;
  const reading = (async () => {
    for await (const message of messages) {
      count += 1;
      if (count === frames.length) {
        return;
      }
    }
  })();
  const start = performance.now();
  for (let index = 0; index < frames.length; index += BATCH) {
    for (const data of frames.slice(index, index + BATCH)) {
      socket.onmessage({ data });
    }
    await new Promise(setImmediate);
  }
  await reading;
  report(what, count, performance.now() - start);
}

console.log(`${COUNT.toLocaleString("en")} frames, Node ${process.versions.node}`);
for (const round of [1, 2]) {
  console.log(`round ${round}`);
  await parse("bars: JSON.parse", bars, () => true);
  await parse("bars: JSON.parse and the structure", bars, isBarsUpdate);
  const client = new TapecastClient({ url: "ws://x", WebSocket: FakeSocket });
  await take("bars: the whole client, typed and counted", bars, client.bars, async (socket) => {
    const asked = client.bars.subscribe({ symbol: "sim:BTC/USDT", resolution: "1" });
    await new Promise(setImmediate);
    const { id, symbol, resolution } = socket.sent.at(-1).payload;
    const ack = { status: "ok", symbol, resolution, message: "", epoch: "e1", seq: 0, id };
    socket.onmessage({ data: JSON.stringify({ type: "bars.ack", payload: ack }) });
    await asked;
  });
  await parse("trades: JSON.parse", trades, () => true);
  await parse("trades: JSON.parse and the structure", trades, isTrade);
  FakeSocket.last = null;
  await take("trades: the whole client, typed and counted", trades, client.exchangeTrades({ exchange: "sim" }), () => {});
  client.close();
}
