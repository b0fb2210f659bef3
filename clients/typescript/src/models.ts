// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Models: the document's schemas as types. What TypeScript can't say is wider than in the document. */

export type ErrorCode =
  | "bad_request"
  | "unknown_type"
  | "unknown_symbol"
  | "unsupported_resolution"
  | "not_subscribed"
  | "subscription_limit"
  | "rate_limited"
  | "unauthorized"
  | "forbidden"
  | "source_unavailable"
  | "internal";

export interface BarsAck {
  type: "bars.ack";
  payload: BarsAckPayload;
}

export interface BarsAckPayload {
  status: Status;
  symbol: Symbol;
  resolution: Resolution;
  /** One sentence for a person to read. */
  message: string;
  code?: ErrorCode;
  epoch?: Epoch;
  seq?: Seq;
  /**
   * Whether the subscription goes on at the position that `resume` gave; else `bars.reset` follows. Absent where
   * nothing was to be resumed.
   */
  recovered?: boolean;
  id?: RequestId;
}

/** Chosen by the client; the reply repeats it as it was sent. */
export type RequestId = string | number;

/** The stream's position, the count of its lossless frames in this epoch. */
export type Seq = number;

/** Names one life of the stream. Positions of different epochs can't be compared. */
export type Epoch = string;

/**
 * One of `1 3 5 15 30 60 120 240 1D 1W 1M`, or an alias: `1m 5m 15m 30m 1h 4h 1d D 1w W M`. Anything else is answered
 * with the code `unsupported_resolution`.
 */
export type Resolution = string;

/** `EXCHANGE:SYMBOL`, or the bare symbol where only one exchange lists it. */
export type Symbol = string;

export type Status = "ok" | "error";

export interface BarsUnsubscribeAck {
  type: "bars.unsubscribe.ack";
  payload: BarsUnsubscribeAckPayload;
}

export interface BarsUnsubscribeAckPayload {
  status: Status;
  symbol: Symbol;
  resolution: Resolution;
  /** One sentence for a person to read. */
  message: string;
  code?: ErrorCode;
  id?: RequestId;
}

export interface Pong {
  type: "pong";
  payload: PongPayload;
}

export interface PongPayload {
  timestamp: Timestamp;
  id?: RequestId;
}

/** Milliseconds since the epoch, UTC. */
export type Timestamp = number;

export interface AuthAck {
  type: "auth.ack";
  payload: AuthAckPayload;
}

export interface AuthAckPayload {
  status: Status;
  /** One sentence for a person to read. */
  message: string;
  /** When the connection's token expires, in milliseconds since the epoch, UTC. */
  expires_at?: number;
  code?: ErrorCode;
  id?: RequestId;
}

export interface BarsUpdate {
  type: "bars.update";
  payload: BarsUpdatePayload;
}

export interface BarsUpdatePayload {
  symbol: Symbol;
  resolution: Resolution;
  bar: Bar;
  /** When the server sent it, in milliseconds since the epoch, UTC. */
  timestamp: number;
  /** True for the bar's last word, false while it is open. */
  final?: boolean;
  seq?: Seq;
  /** The `seq` of the stream's lossless frame before this one. Only lossless frames carry it. */
  prev?: number;
  epoch?: Epoch;
}

/** Open, high, low, close and volume of the trades in one interval. */
export interface Bar {
  /** The interval's start, in milliseconds since the epoch, UTC. */
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  /** The sum of the trades' volumes; absent where the source has none. */
  volume?: number;
}

export interface BarsCorrection {
  type: "bars.correction";
  payload: BarsCorrectionPayload;
}

export interface BarsCorrectionPayload {
  symbol: Symbol;
  resolution: Resolution;
  bar: Bar;
  /** Counts the corrections of this bar. */
  revision: number;
  epoch: Epoch;
  seq: Seq;
  /** The `seq` of the stream's lossless frame before this one. */
  prev: number;
  /** When the server sent it, in milliseconds since the epoch, UTC. */
  timestamp: number;
}

export interface BarsSnapshot {
  type: "bars.snapshot";
  payload: BarsSnapshotPayload;
}

export interface BarsSnapshotPayload {
  symbol: Symbol;
  resolution: Resolution;
  bars: Bar[];
  epoch: Epoch;
  seq: Seq;
}

export interface BarsReset {
  type: "bars.reset";
  payload: BarsResetPayload;
}

export interface BarsResetPayload {
  symbol: Symbol;
  resolution: Resolution;
  /**
   * `other_epoch`: the stream began anew. `too_old`: what came after the position is not kept any more.
   * `unknown_position`: the stream has not come so far.
   */
  reason: "other_epoch" | "too_old" | "unknown_position";
  epoch: Epoch;
  seq: Seq;
}

export interface BarsError {
  type: "bars.error";
  payload: BarsErrorPayload;
}

export interface BarsErrorPayload {
  symbol: Symbol;
  resolution: Resolution;
  code: ErrorCode;
  /** One sentence for a person to read. */
  error: string;
}

export interface AuthExpiring {
  type: "auth.expiring";
  payload: AuthExpiringPayload;
}

export interface AuthExpiringPayload {
  /** When the connection's token expires, in milliseconds since the epoch, UTC. */
  expires_at: number;
}

export interface Error {
  type: "error";
  payload: ErrorPayload;
}

export interface ErrorPayload {
  code: ErrorCode;
  /** One sentence for a person to read. It says what to do. */
  message: string;
  /** Wait this long before the next frame. */
  retry_after_ms?: number;
  id?: RequestId;
}

export interface Shutdown {
  type: "shutdown";
  payload: ShutdownPayload;
}

export interface ShutdownPayload {
  /** Wait this long before connecting again. Each client gets another number, so that they spread. */
  reconnect_after_ms: number;
}

export interface BarsSubscribe {
  type: "bars.subscribe";
  payload: BarsSubscribePayload;
}

export interface BarsSubscribePayload {
  symbol: Symbol;
  /** See `Resolution`. The default is `1D`. */
  resolution?: string;
  id?: RequestId;
  /** So many of the newest closed bars come first, in `bars.snapshot`. */
  snapshot?: number;
  resume?: Resume;
  /**
   * The least time between two updates of an open bar, where it is more than the server's; rounded up to two digits.
   * What is final comes at once.
   */
  conflate_ms?: number;
}

/** The position of the last frame that the client holds. What came after it comes first. */
export interface Resume {
  epoch: Epoch;
  seq: Seq;
}

export interface BarsUnsubscribe {
  type: "bars.unsubscribe";
  payload: BarsUnsubscribePayload;
}

export interface BarsUnsubscribePayload {
  symbol: Symbol;
  /** See `Resolution`. The default is `1D`. */
  resolution?: string;
  id?: RequestId;
}

export interface Ping {
  type: "ping";
  payload?: PingPayload;
}

export interface PingPayload {
  id?: RequestId;
}

export interface AuthRefresh {
  type: "auth.refresh";
  payload: AuthRefreshPayload;
}

export interface AuthRefreshPayload {
  /** A token of the same user. */
  token: string;
  id?: RequestId;
}

export interface CachePong {
  type: "pong";
  timestamp: Timestamp;
  id?: RequestId;
}

export interface CacheAuthAck {
  type: "auth.ack";
  status: Status;
  /** One sentence for a person to read. */
  message: string;
  /** When the connection's token expires, in milliseconds since the epoch, UTC. */
  expires_at?: number;
  code?: ErrorCode;
  id?: RequestId;
}

export interface Ticker {
  type: "ticker";
  exchange: Exchange;
  symbol: ExchangeSymbol;
  /** When the last trade happened, in milliseconds since the epoch, UTC. */
  time: number;
  /** The last trade's price. */
  price: number;
  /** The best price that is bid; null where the source has none. */
  bid: number | null;
  /** The best price that is asked; null where the source has none. */
  ask: number | null;
  /** What was traded in the 24 hours up to `time`, in the base currency. The window moves in steps of 10 minutes. */
  volume: number;
  /** The price of the first trade in the 24 hours up to `time`. */
  open?: number;
  /** The highest price in the 24 hours up to `time`. */
  high?: number;
  /** The lowest price in the 24 hours up to `time`. */
  low?: number;
  /** `price` less `open`. */
  change?: number;
  /** `change` as a percentage of `open`, to two decimals. */
  change_percent?: number;
  /** The version of the exchange's tickers. It may skip; it never falls. */
  seq: number;
}

/** A symbol's name at its exchange, such as `BTC/USDT`. */
export type ExchangeSymbol = string;

/** An exchange's name. */
export type Exchange = string;

export interface Ready {
  type: "ready";
  epoch: Epoch;
  seq: Seq;
  /** Whether the stream goes on at the position that the address asked for. */
  recovered: boolean;
  limits: Limits;
}

/** What this server holds a client to, where its settings change the document's numbers. */
export interface Limits {
  frame_bytes: number;
  frames_per_second: number;
  frames_burst: number;
  outbox_bytes: number;
  outbox_age_ms: number;
  ring_frames: number;
  ring_age_ms: number;
}

export interface CacheAuthExpiring {
  type: "auth.expiring";
  /** When the connection's token expires, in milliseconds since the epoch, UTC. */
  expires_at: number;
}

export interface CacheError {
  type: "error";
  code: ErrorCode;
  /** One sentence for a person to read. It says what to do. */
  message: string;
  /** Wait this long before the next frame. */
  retry_after_ms?: number;
  id?: RequestId;
}

export interface CacheShutdown {
  type: "shutdown";
  /** Wait this long before connecting again. Each client gets another number, so that they spread. */
  reconnect_after_ms: number;
}

export interface CachePing {
  type: "ping";
  id?: RequestId;
}

export interface CacheAuthRefresh {
  type: "auth.refresh";
  /** A token of the same user. */
  token: string;
  id?: RequestId;
}

export interface Trade {
  type: "trade";
  exchange: Exchange;
  symbol: ExchangeSymbol;
  /** Names the trade within its symbol. */
  trade_id: string;
  timestamp: Timestamp;
  price: number;
  volume: number;
  /**
   * Whether the buyer or the seller took the other's offer. Where the source does not say, it is told by the price:
   * higher than the trade before is a buy, lower a sell.
   */
  side: "buy" | "sell";
  seq: Seq;
  prev: Prev;
}

/** The `seq` of the stream's lossless frame before this one that has the same symbol or currency; 0 for the first. */
export type Prev = number;

export interface Gap {
  type: "gap";
  epoch: Epoch;
  /** The symbol or currency that the address narrows to; null for all. */
  key: string | null;
  /** The first position that is missing. */
  from_seq: number;
  /** The last position that is missing. */
  to_seq: number;
}

export interface Order {
  type: "order";
  exchange: Exchange;
  exchange_id: ExchangeId;
  order_id: string;
  symbol: ExchangeSymbol;
  side: "buy" | "sell";
  order_type: "limit" | "market";
  /** The whole order, in the base currency. */
  volume: number;
  /** What of it is filled. */
  filled: number;
  /** `volume` less `filled`. */
  remaining: number;
  /** The limit; null for a market order. */
  price: number | null;
  /** The average price of its fills; null while there is none. */
  average: number | null;
  /** The sum over its fills of price times volume, in the quote currency. */
  cost?: number;
  /** The fees of its fills, in the quote currency. */
  fee?: number;
  /** `closed`: filled as a whole. */
  status: "open" | "closed" | "canceled" | "expired" | "rejected";
  /** When the order changed, in milliseconds since the epoch, UTC. */
  timestamp: number;
  seq: Seq;
  prev: Prev;
  initial?: Initial;
}

/** True for what stood when the connection was made. Absent in a change. */
export type Initial = boolean;

/** One account of the caller's at one exchange. */
export type ExchangeId = number;

export interface Balances {
  type: "balances";
  exchange_id: ExchangeId;
  /** When the balance changed, in milliseconds since the epoch, UTC. */
  timestamp: number;
  seq: Seq;
  prev: Prev;
  initial?: Initial;
  [name: string]: Balance | "balances" | ExchangeId | number | Seq | Prev | Initial | undefined;
}

/** The member's name is the currency. */
export interface Balance {
  total: number;
  free: number;
  /** What stands behind open orders. */
  used: number;
}
