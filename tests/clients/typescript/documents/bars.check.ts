// What a user of our own client writes: it compiles, and what is wrong doesn't.

import { type BarsAck, type Gap, type StreamGap, type Clock, TapecastClient, type Trade } from "./src/index.js";

export const told = (gap: StreamGap, frame: Gap): (number | null)[] => [gap.from, frame.from_seq];

export async function use(clock: Clock): Promise<void> {
  const client = new TapecastClient({ url: "ws://x", clock, WebSocket, token: async () => "t", onGap: (gap) => gap.from });
  const ack: BarsAck = await client.bars.subscribe({ symbol: "sim:BTC/USDT", resolution: "1" });
  const code: "ok" | "error" = ack.payload.status;
  await client.bars.ping();
  for await (const message of client.bars.messages({ signal: AbortSignal.timeout(1) })) {
    if (message.type === "bars.update") {
      const high: number = message.payload.bar.high;
      const volume: number | undefined = message.payload.bar.volume;
      void [high, volume, code];
      // @ts-expect-error only the update of a bar that is final is sure to have no such member
      message.payload.nothing;
    } else if (message.type === "bars.reset") {
      const reason: "other_epoch" | "too_old" | "unknown_position" = message.payload.reason;
      void reason;
    }
    // @ts-expect-error no message of the server's
    if (message.type === "bars.subscribe") return;
  }
  for await (const message of client.exchangeTrades({ exchange: "sim" }, { replay: 3 }).messages()) {
    if (message.type === "trade") {
      const trade: Trade = message;
      const side: "buy" | "sell" = trade.side;
      void side;
    }
  }
  for await (const message of client.balances({ exchange_id: 1, currency: "BTC" }).messages()) {
    if (message.type === "balances") {
      const found = message["BTC"];
      const total = typeof found === "object" ? found.total : null;
      void total;
    }
  }
  // @ts-expect-error the symbol is needed
  await client.bars.subscribe({ resolution: "1" });
  // @ts-expect-error a number
  client.balances({ exchange_id: "1", currency: "BTC" });
}
