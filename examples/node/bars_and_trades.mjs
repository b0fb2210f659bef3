// Prints the bars and the trades of one symbol, over lost connections, and says what is missing. It ends after SECONDS.
//
//   make run                                         (in another terminal: a server in demo mode)
//   node examples/node/bars_and_trades.mjs [--url ws://127.0.0.1:8000] [--symbol BTC/USDT] [--seconds 60]
//
// Node 22 or newer. `make client` compiles the client; in a project of your own it is a package: see its README.

import { parseArgs } from "node:util";

import { TapecastClient } from "../../clients/typescript/dist/index.js";

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "ws://127.0.0.1:8000" },
    exchange: { type: "string", default: "sim" },
    symbol: { type: "string", default: "BTC/USDT" },
    resolution: { type: "string", default: "1" },
    seconds: { type: "string", default: "Infinity" },
  },
});
const { url, exchange, symbol, resolution } = values;

/** Get a token from a server in demo mode. Where yours come from elsewhere, return one of those. */
async function demoToken() {
  const answer = await fetch(`${url.replace(/^ws/, "http")}/api/v1/auth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "bot", password: "demo" }),
  });
  if (!answer.ok) {
    throw new Error(`no demo token: ${answer.status}. Is the server in demo mode?`);
  }
  return (await answer.json()).access_token;
}

const client = new TapecastClient({
  url,
  token: demoToken,
  onGap: (gap) => {
    const whom = gap.told ? "the server says" : "nobody said";
    console.log(`gap    ${gap.channel} ${gap.from ?? "?"} to ${gap.to ?? "?"} (${whom}: ${gap.reason})`);
  },
  onConnection: (event) => {
    if (event.type === "closed" && event.retryMs !== null) {
      console.error(`${event.channel}: ${event.code} ${event.reason}; again in ${Math.round(event.retryMs)} ms`);
    } else if (event.type === "fault") {
      console.error(`${event.channel}: ${event.error}`);
    }
  },
});

const signal = values.seconds === "Infinity" ? undefined : AbortSignal.timeout(Number(values.seconds) * 1000);

async function printBars() {
  const ack = await client.bars.subscribe({ symbol: `${exchange}:${symbol}`, resolution }, { timeoutMs: 60_000 });
  if (ack.payload.status === "error") {
    throw new Error(ack.payload.message);
  }
  for await (const message of client.bars.messages({ signal })) {
    if (message.type === "bars.update" || message.type === "bars.correction") {
      const { time, close, volume } = message.payload.bar;
      const kind = message.type === "bars.correction" ? "corrected" : message.payload.final ? "final" : "open";
      console.log(`bar    ${new Date(time).toISOString()} ${close} ${volume ?? ""} ${kind}`);
    } else if (message.type === "bars.error") {
      console.error(message.payload.error);
    }
  }
}

async function printTrades() {
  for await (const message of client.trades({ exchange, symbol }, { replay: 3 }).messages({ signal })) {
    if (message.type === "trade") {
      console.log(`trade  ${new Date(message.timestamp).toISOString()} ${message.price} ${message.volume} ${message.side}`);
    }
  }
}

try {
  await Promise.all([printBars(), printTrades()]);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
} finally {
  client.close();
}
