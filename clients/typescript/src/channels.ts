// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Channels: a class for each, with a method for each operation that a client may send. */

import * as checks from "./checks.js";
import { CLOSE_CODES } from "./codes.js";
import type * as models from "./models.js";
import type { ChannelSpec, Kind, RequestSpec } from "./runtime/channel.js";
import type { RequestOptions } from "./runtime/options.js";
import { StreamChannel, type StreamSettings, type StreamSpec } from "./runtime/stream.js";

const BarsChannelKinds = {
  BarsAck: {
    name: "BarsAck",
    form: "json",
    check: checks.isBarsAck,
    pushed: false,
    id: ["payload", "id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  BarsUnsubscribeAck: {
    name: "BarsUnsubscribeAck",
    form: "json",
    check: checks.isBarsUnsubscribeAck,
    pushed: false,
    id: ["payload", "id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Pong: {
    name: "Pong",
    form: "json",
    check: checks.isPong,
    pushed: false,
    id: ["payload", "id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  AuthAck: {
    name: "AuthAck",
    form: "json",
    check: checks.isAuthAck,
    pushed: false,
    id: ["payload", "id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  BarsUpdate: {
    name: "BarsUpdate",
    form: "json",
    check: checks.isBarsUpdate,
    pushed: true,
    id: null,
    latest: { way: ["payload", "final"], when: false },
    reconnectAfter: null,
    retryAfter: null,
  },
  BarsCorrection: {
    name: "BarsCorrection",
    form: "json",
    check: checks.isBarsCorrection,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  BarsSnapshot: {
    name: "BarsSnapshot",
    form: "json",
    check: checks.isBarsSnapshot,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  BarsReset: {
    name: "BarsReset",
    form: "json",
    check: checks.isBarsReset,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  BarsError: {
    name: "BarsError",
    form: "json",
    check: checks.isBarsError,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  AuthExpiring: {
    name: "AuthExpiring",
    form: "json",
    check: checks.isAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Error: {
    name: "Error",
    form: "json",
    check: checks.isError,
    pushed: true,
    id: ["payload", "id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["payload", "retry_after_ms"],
  },
  Shutdown: {
    name: "Shutdown",
    form: "json",
    check: checks.isShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["payload", "reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const BarsChannelRequests = {
  subscribe: { name: "subscribeBars", form: "json", fixed: { type: "bars.subscribe" }, body: "payload", id: { way: ["payload", "id"], integer: true }, replies: ["BarsAck"] },
  unsubscribe: { name: "unsubscribeBars", form: "json", fixed: { type: "bars.unsubscribe" }, body: "payload", id: { way: ["payload", "id"], integer: true }, replies: ["BarsUnsubscribeAck"] },
  ping: { name: "ping", form: "json", fixed: { type: "ping" }, body: "payload", id: { way: ["payload", "id"], integer: true }, replies: ["Pong"] },
  refresh: { name: "refreshBars", form: "json", fixed: { type: "auth.refresh" }, body: "payload", id: { way: ["payload", "id"], integer: true }, replies: ["AuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const BarsChannelSpec: ChannelSpec = {
  id: "bars",
  address: "/api/v1/ws",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(BarsChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["bars.ack", [BarsChannelKinds.BarsAck]],
    ["bars.unsubscribe.ack", [BarsChannelKinds.BarsUnsubscribeAck]],
    ["pong", [BarsChannelKinds.Pong]],
    ["auth.ack", [BarsChannelKinds.AuthAck]],
    ["bars.update", [BarsChannelKinds.BarsUpdate]],
    ["bars.correction", [BarsChannelKinds.BarsCorrection]],
    ["bars.snapshot", [BarsChannelKinds.BarsSnapshot]],
    ["bars.reset", [BarsChannelKinds.BarsReset]],
    ["bars.error", [BarsChannelKinds.BarsError]],
    ["auth.expiring", [BarsChannelKinds.AuthExpiring]],
    ["error", [BarsChannelKinds.Error]],
    ["shutdown", [BarsChannelKinds.Shutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: BarsChannelRequests.ping,
};

const BarsChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: { request: BarsChannelRequests.subscribe, key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }] },
    unsubscribe: { request: BarsChannelRequests.unsubscribe, key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }] },
    start: { kind: "BarsAck", key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }], seq: ["payload", "seq"], prev: null, epoch: ["payload", "epoch"] },
    frames: [
      { kind: "BarsUpdate", key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }], seq: ["payload", "seq"], prev: ["payload", "prev"], epoch: ["payload", "epoch"] },
      { kind: "BarsCorrection", key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }], seq: ["payload", "seq"], prev: ["payload", "prev"], epoch: ["payload", "epoch"] },
      { kind: "BarsSnapshot", key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }], seq: ["payload", "seq"], prev: null, epoch: ["payload", "epoch"] },
      { kind: "BarsError", key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }], seq: null, prev: null, epoch: null },
    ],
    resume: { seq: ["payload", "resume", "seq"], epoch: ["payload", "resume", "epoch"], recovered: ["payload", "recovered"] },
    gap: null,
    reset: { kind: "BarsReset", key: [{ way: ["payload", "symbol"], names: null }, { way: ["payload", "resolution"], names: null }], seq: ["payload", "seq"], prev: null, epoch: ["payload", "epoch"] },
    refresh: { request: BarsChannelRequests.refresh, token: ["payload", "token"] },
  },
];

/** What the server pushes over BarsChannel. */
export type BarsChannelMessage =
  | models.BarsUpdate
  | models.BarsCorrection
  | models.BarsSnapshot
  | models.BarsReset
  | models.BarsError
  | models.AuthExpiring
  | models.Error
  | models.Shutdown;

/**
 * Bars
 *
 * Live bars by request and reply.
 */
export class BarsChannel extends StreamChannel<BarsChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(BarsChannelSpec, BarsChannelStreams, settings, { ...parameters }, { ...query });
  }

  /**
   * Start receiving the bars of one symbol at one resolution.
   *
   * After the reply come the bar that is open, if there is one, and then its newest states. Subscribing again to the
   * same spelling is `ok` and changes nothing.
   */
  async subscribe(payload: NonNullable<models.BarsSubscribe["payload"]>, options: RequestOptions = {}): Promise<models.BarsAck> {
    return (await this.$openStream(BarsChannelRequests.subscribe, payload, options)) as models.BarsAck;
  }

  /**
   * Stop receiving the bars of one symbol at one resolution.
   *
   * Symbol and resolution are spelt as they were when subscribing. No frame of the subscription follows the reply.
   */
  async unsubscribe(payload: NonNullable<models.BarsUnsubscribe["payload"]>, options: RequestOptions = {}): Promise<models.BarsUnsubscribeAck> {
    return (await this.$endStream(BarsChannelRequests.unsubscribe, payload, options)) as models.BarsUnsubscribeAck;
  }

  /**
   * Ask whether the server is there, and for its time.
   *
   * For clients that can't send WebSocket pings, such as browsers.
   */
  async ping(payload: NonNullable<models.Ping["payload"]> = {}, options: RequestOptions = {}): Promise<models.Pong> {
    return (await this.$ask(BarsChannelRequests.ping, payload, options)) as models.Pong;
  }

  /**
   * Go on with a new token of the same user.
   *
   * The connection lives as long as the new token. A token of another user ends it with 4501; one that is bad is
   * answered with status `error`, and the old one still counts.
   */
  async refresh(payload: NonNullable<models.AuthRefresh["payload"]>, options: RequestOptions = {}): Promise<models.AuthAck> {
    return (await this.$ask(BarsChannelRequests.refresh, payload, options)) as models.AuthAck;
  }
}

const TickersChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ticker: {
    name: "Ticker",
    form: "json",
    check: checks.isTicker,
    pushed: true,
    id: null,
    latest: true,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const TickersChannelRequests = {
  ping: { name: "pingTickers", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshTickers", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const TickersChannelSpec: ChannelSpec = {
  id: "tickers",
  address: "/api/v1/cache/ws/tickers/{exchange}/{symbol}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(TickersChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [TickersChannelKinds.CachePong]],
    ["auth.ack", [TickersChannelKinds.CacheAuthAck]],
    ["ticker", [TickersChannelKinds.Ticker]],
    ["ready", [TickersChannelKinds.Ready]],
    ["auth.expiring", [TickersChannelKinds.CacheAuthExpiring]],
    ["error", [TickersChannelKinds.CacheError]],
    ["shutdown", [TickersChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: TickersChannelRequests.ping,
};

const TickersChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Ticker", key: [{ way: ["symbol"], names: null }], seq: ["seq"], prev: null, epoch: null },
    ],
    resume: null,
    gap: null,
    reset: null,
    refresh: { request: TickersChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over TickersChannel. */
export type TickersChannelMessage =
  | models.Ticker
  | models.Ready
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of TickersChannel's address. */
export interface TickersChannelParameters {
  /** An exchange's name, such as `sim`. */
  exchange: string;
  /** A symbol of the exchange. Its slash may be sent as it is or as `%2F`. */
  symbol: string;
}

/**
 * Ticker of a symbol
 *
 * The last ticker of one symbol, then each change.
 */
export class TickersChannel extends StreamChannel<TickersChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(TickersChannelSpec, TickersChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(TickersChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(TickersChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}

const ExchangeTickersChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ticker: {
    name: "Ticker",
    form: "json",
    check: checks.isTicker,
    pushed: true,
    id: null,
    latest: true,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const ExchangeTickersChannelRequests = {
  ping: { name: "pingExchangeTickers", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshExchangeTickers", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const ExchangeTickersChannelSpec: ChannelSpec = {
  id: "exchangeTickers",
  address: "/api/v1/cache/ws/tickers/{exchange}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(ExchangeTickersChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [ExchangeTickersChannelKinds.CachePong]],
    ["auth.ack", [ExchangeTickersChannelKinds.CacheAuthAck]],
    ["ticker", [ExchangeTickersChannelKinds.Ticker]],
    ["ready", [ExchangeTickersChannelKinds.Ready]],
    ["auth.expiring", [ExchangeTickersChannelKinds.CacheAuthExpiring]],
    ["error", [ExchangeTickersChannelKinds.CacheError]],
    ["shutdown", [ExchangeTickersChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: ExchangeTickersChannelRequests.ping,
};

const ExchangeTickersChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Ticker", key: [{ way: ["symbol"], names: null }], seq: ["seq"], prev: null, epoch: null },
    ],
    resume: null,
    gap: null,
    reset: null,
    refresh: { request: ExchangeTickersChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over ExchangeTickersChannel. */
export type ExchangeTickersChannelMessage =
  | models.Ticker
  | models.Ready
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of ExchangeTickersChannel's address. */
export interface ExchangeTickersChannelParameters {
  /** An exchange's name, such as `sim`. */
  exchange: string;
}

/**
 * Tickers of an exchange
 *
 * The last ticker of each symbol of an exchange, then each change.
 */
export class ExchangeTickersChannel extends StreamChannel<ExchangeTickersChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(ExchangeTickersChannelSpec, ExchangeTickersChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(ExchangeTickersChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(ExchangeTickersChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}

const TradesChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Trade: {
    name: "Trade",
    form: "json",
    check: checks.isTrade,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Gap: {
    name: "Gap",
    form: "json",
    check: checks.isGap,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const TradesChannelRequests = {
  ping: { name: "pingTrades", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshTrades", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const TradesChannelSpec: ChannelSpec = {
  id: "trades",
  address: "/api/v1/cache/ws/trades/{exchange}/{symbol}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(TradesChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [TradesChannelKinds.CachePong]],
    ["auth.ack", [TradesChannelKinds.CacheAuthAck]],
    ["trade", [TradesChannelKinds.Trade]],
    ["ready", [TradesChannelKinds.Ready]],
    ["gap", [TradesChannelKinds.Gap]],
    ["auth.expiring", [TradesChannelKinds.CacheAuthExpiring]],
    ["error", [TradesChannelKinds.CacheError]],
    ["shutdown", [TradesChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: TradesChannelRequests.ping,
};

const TradesChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Trade", key: [{ way: ["symbol"], names: null }], seq: ["seq"], prev: ["prev"], epoch: null },
    ],
    resume: { seq: ["seq"], epoch: ["epoch"], recovered: ["recovered"] },
    gap: { places: { kind: "Gap", key: [{ way: ["key"], names: null }], seq: null, prev: null, epoch: ["epoch"] }, from: ["from_seq"], to: ["to_seq"] },
    reset: null,
    refresh: { request: TradesChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over TradesChannel. */
export type TradesChannelMessage =
  | models.Trade
  | models.Ready
  | models.Gap
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of TradesChannel's address. */
export interface TradesChannelParameters {
  /** An exchange's name, such as `sim`. */
  exchange: string;
  /** A symbol of the exchange. Its slash may be sent as it is or as `%2F`. */
  symbol: string;
}

/** The query of TradesChannel's address. */
export interface TradesChannelQuery {
  /** So many of the last trades come first, as far as they are kept. */
  replay?: number;
  /** With `seq`, the position of the last frame that the client holds. What came after it comes first. */
  epoch?: string;
  /** See `epoch`. */
  seq?: number;
}

/**
 * Trades of a symbol
 *
 * Each public trade of one symbol.
 */
export class TradesChannel extends StreamChannel<TradesChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(TradesChannelSpec, TradesChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(TradesChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(TradesChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}

const ExchangeTradesChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Trade: {
    name: "Trade",
    form: "json",
    check: checks.isTrade,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Gap: {
    name: "Gap",
    form: "json",
    check: checks.isGap,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const ExchangeTradesChannelRequests = {
  ping: { name: "pingExchangeTrades", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshExchangeTrades", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const ExchangeTradesChannelSpec: ChannelSpec = {
  id: "exchangeTrades",
  address: "/api/v1/cache/ws/trades/{exchange}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(ExchangeTradesChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [ExchangeTradesChannelKinds.CachePong]],
    ["auth.ack", [ExchangeTradesChannelKinds.CacheAuthAck]],
    ["trade", [ExchangeTradesChannelKinds.Trade]],
    ["ready", [ExchangeTradesChannelKinds.Ready]],
    ["gap", [ExchangeTradesChannelKinds.Gap]],
    ["auth.expiring", [ExchangeTradesChannelKinds.CacheAuthExpiring]],
    ["error", [ExchangeTradesChannelKinds.CacheError]],
    ["shutdown", [ExchangeTradesChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: ExchangeTradesChannelRequests.ping,
};

const ExchangeTradesChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Trade", key: [{ way: ["symbol"], names: null }], seq: ["seq"], prev: ["prev"], epoch: null },
    ],
    resume: { seq: ["seq"], epoch: ["epoch"], recovered: ["recovered"] },
    gap: { places: { kind: "Gap", key: [{ way: ["key"], names: null }], seq: null, prev: null, epoch: ["epoch"] }, from: ["from_seq"], to: ["to_seq"] },
    reset: null,
    refresh: { request: ExchangeTradesChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over ExchangeTradesChannel. */
export type ExchangeTradesChannelMessage =
  | models.Trade
  | models.Ready
  | models.Gap
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of ExchangeTradesChannel's address. */
export interface ExchangeTradesChannelParameters {
  /** An exchange's name, such as `sim`. */
  exchange: string;
}

/** The query of ExchangeTradesChannel's address. */
export interface ExchangeTradesChannelQuery {
  /** So many of the last trades come first, as far as they are kept. */
  replay?: number;
  /** With `seq`, the position of the last frame that the client holds. What came after it comes first. */
  epoch?: string;
  /** See `epoch`. */
  seq?: number;
}

/**
 * Trades of an exchange
 *
 * Each public trade of an exchange.
 */
export class ExchangeTradesChannel extends StreamChannel<ExchangeTradesChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(ExchangeTradesChannelSpec, ExchangeTradesChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(ExchangeTradesChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(ExchangeTradesChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}

const OrdersChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Order: {
    name: "Order",
    form: "json",
    check: checks.isOrder,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Gap: {
    name: "Gap",
    form: "json",
    check: checks.isGap,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const OrdersChannelRequests = {
  ping: { name: "pingOrders", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshOrders", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const OrdersChannelSpec: ChannelSpec = {
  id: "orders",
  address: "/api/v1/cache/ws/orders/{exchange}/{symbol}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(OrdersChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [OrdersChannelKinds.CachePong]],
    ["auth.ack", [OrdersChannelKinds.CacheAuthAck]],
    ["order", [OrdersChannelKinds.Order]],
    ["ready", [OrdersChannelKinds.Ready]],
    ["gap", [OrdersChannelKinds.Gap]],
    ["auth.expiring", [OrdersChannelKinds.CacheAuthExpiring]],
    ["error", [OrdersChannelKinds.CacheError]],
    ["shutdown", [OrdersChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: OrdersChannelRequests.ping,
};

const OrdersChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Order", key: [{ way: ["symbol"], names: null }], seq: ["seq"], prev: ["prev"], epoch: null },
    ],
    resume: { seq: ["seq"], epoch: ["epoch"], recovered: ["recovered"] },
    gap: { places: { kind: "Gap", key: [{ way: ["key"], names: null }], seq: null, prev: null, epoch: ["epoch"] }, from: ["from_seq"], to: ["to_seq"] },
    reset: null,
    refresh: { request: OrdersChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over OrdersChannel. */
export type OrdersChannelMessage =
  | models.Order
  | models.Ready
  | models.Gap
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of OrdersChannel's address. */
export interface OrdersChannelParameters {
  /** An exchange's name, such as `sim`. */
  exchange: string;
  /** A symbol of the exchange. Its slash may be sent as it is or as `%2F`. */
  symbol: string;
}

/** The query of OrdersChannel's address. */
export interface OrdersChannelQuery {
  /** With `seq`, the position of the last frame that the client holds. What came after it comes first. */
  epoch?: string;
  /** See `epoch`. */
  seq?: number;
}

/**
 * Own orders of a symbol
 *
 * The caller's open orders of one symbol, then each change of one.
 */
export class OrdersChannel extends StreamChannel<OrdersChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(OrdersChannelSpec, OrdersChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(OrdersChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(OrdersChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}

const ExchangeOrdersChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Order: {
    name: "Order",
    form: "json",
    check: checks.isOrder,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Gap: {
    name: "Gap",
    form: "json",
    check: checks.isGap,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const ExchangeOrdersChannelRequests = {
  ping: { name: "pingExchangeOrders", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshExchangeOrders", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const ExchangeOrdersChannelSpec: ChannelSpec = {
  id: "exchangeOrders",
  address: "/api/v1/cache/ws/orders/{exchange}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(ExchangeOrdersChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [ExchangeOrdersChannelKinds.CachePong]],
    ["auth.ack", [ExchangeOrdersChannelKinds.CacheAuthAck]],
    ["order", [ExchangeOrdersChannelKinds.Order]],
    ["ready", [ExchangeOrdersChannelKinds.Ready]],
    ["gap", [ExchangeOrdersChannelKinds.Gap]],
    ["auth.expiring", [ExchangeOrdersChannelKinds.CacheAuthExpiring]],
    ["error", [ExchangeOrdersChannelKinds.CacheError]],
    ["shutdown", [ExchangeOrdersChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: ExchangeOrdersChannelRequests.ping,
};

const ExchangeOrdersChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Order", key: [{ way: ["symbol"], names: null }], seq: ["seq"], prev: ["prev"], epoch: null },
    ],
    resume: { seq: ["seq"], epoch: ["epoch"], recovered: ["recovered"] },
    gap: { places: { kind: "Gap", key: [{ way: ["key"], names: null }], seq: null, prev: null, epoch: ["epoch"] }, from: ["from_seq"], to: ["to_seq"] },
    reset: null,
    refresh: { request: ExchangeOrdersChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over ExchangeOrdersChannel. */
export type ExchangeOrdersChannelMessage =
  | models.Order
  | models.Ready
  | models.Gap
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of ExchangeOrdersChannel's address. */
export interface ExchangeOrdersChannelParameters {
  /** An exchange's name, such as `sim`. */
  exchange: string;
}

/** The query of ExchangeOrdersChannel's address. */
export interface ExchangeOrdersChannelQuery {
  /** With `seq`, the position of the last frame that the client holds. What came after it comes first. */
  epoch?: string;
  /** See `epoch`. */
  seq?: number;
}

/**
 * Own orders at an exchange
 *
 * The caller's open orders at an exchange, then each change of one.
 */
export class ExchangeOrdersChannel extends StreamChannel<ExchangeOrdersChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(ExchangeOrdersChannelSpec, ExchangeOrdersChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(ExchangeOrdersChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(ExchangeOrdersChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}

const BalancesChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Balances: {
    name: "Balances",
    form: "json",
    check: checks.isBalances,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Gap: {
    name: "Gap",
    form: "json",
    check: checks.isGap,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const BalancesChannelRequests = {
  ping: { name: "pingBalances", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshBalances", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const BalancesChannelSpec: ChannelSpec = {
  id: "balances",
  address: "/api/v1/cache/ws/balances/{exchange_id}/{currency}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(BalancesChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [BalancesChannelKinds.CachePong]],
    ["auth.ack", [BalancesChannelKinds.CacheAuthAck]],
    ["balances", [BalancesChannelKinds.Balances]],
    ["ready", [BalancesChannelKinds.Ready]],
    ["gap", [BalancesChannelKinds.Gap]],
    ["auth.expiring", [BalancesChannelKinds.CacheAuthExpiring]],
    ["error", [BalancesChannelKinds.CacheError]],
    ["shutdown", [BalancesChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: BalancesChannelRequests.ping,
};

const BalancesChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Balances", key: [{ way: [], names: ["type", "exchange_id", "timestamp", "seq", "prev", "initial"] }], seq: ["seq"], prev: ["prev"], epoch: null },
    ],
    resume: { seq: ["seq"], epoch: ["epoch"], recovered: ["recovered"] },
    gap: { places: { kind: "Gap", key: [{ way: ["key"], names: null }], seq: null, prev: null, epoch: ["epoch"] }, from: ["from_seq"], to: ["to_seq"] },
    reset: null,
    refresh: { request: BalancesChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over BalancesChannel. */
export type BalancesChannelMessage =
  | models.Balances
  | models.Ready
  | models.Gap
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of BalancesChannel's address. */
export interface BalancesChannelParameters {
  /** The number of one account of the caller's at one exchange. */
  exchange_id: number;
  /** A currency of the account. */
  currency: string;
}

/** The query of BalancesChannel's address. */
export interface BalancesChannelQuery {
  /** With `seq`, the position of the last frame that the client holds. What came after it comes first. */
  epoch?: string;
  /** See `epoch`. */
  seq?: number;
}

/**
 * Own balance in a currency
 *
 * The caller's balance in one currency, then each change.
 */
export class BalancesChannel extends StreamChannel<BalancesChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(BalancesChannelSpec, BalancesChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(BalancesChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(BalancesChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}

const AccountBalancesChannelKinds = {
  CachePong: {
    name: "CachePong",
    form: "json",
    check: checks.isCachePong,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthAck: {
    name: "CacheAuthAck",
    form: "json",
    check: checks.isCacheAuthAck,
    pushed: false,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Balances: {
    name: "Balances",
    form: "json",
    check: checks.isBalances,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Ready: {
    name: "Ready",
    form: "json",
    check: checks.isReady,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  Gap: {
    name: "Gap",
    form: "json",
    check: checks.isGap,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheAuthExpiring: {
    name: "CacheAuthExpiring",
    form: "json",
    check: checks.isCacheAuthExpiring,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: null,
    retryAfter: null,
  },
  CacheError: {
    name: "CacheError",
    form: "json",
    check: checks.isCacheError,
    pushed: true,
    id: ["id"],
    latest: false,
    reconnectAfter: null,
    retryAfter: ["retry_after_ms"],
  },
  CacheShutdown: {
    name: "CacheShutdown",
    form: "json",
    check: checks.isCacheShutdown,
    pushed: true,
    id: null,
    latest: false,
    reconnectAfter: ["reconnect_after_ms"],
    retryAfter: null,
  },
} satisfies { readonly [name: string]: Kind };

const AccountBalancesChannelRequests = {
  ping: { name: "pingAccountBalances", form: "json", fixed: { type: "ping" }, body: null, id: { way: ["id"], integer: true }, replies: ["CachePong"] },
  refresh: { name: "refreshAccountBalances", form: "json", fixed: { type: "auth.refresh" }, body: null, id: { way: ["id"], integer: true }, replies: ["CacheAuthAck"] },
} satisfies { readonly [name: string]: RequestSpec };

const AccountBalancesChannelSpec: ChannelSpec = {
  id: "accountBalances",
  address: "/api/v1/cache/ws/balances/{exchange_id}",
  subprotocols: ["tapecast.v1"],
  security: { query: "token", subprotocol: true, bearer: true, header: null, cookie: null, basic: false },
  tag: "type",
  kinds: Object.values<Kind>(AccountBalancesChannelKinds),
  byTag: new Map<string, readonly Kind[]>([
    ["pong", [AccountBalancesChannelKinds.CachePong]],
    ["auth.ack", [AccountBalancesChannelKinds.CacheAuthAck]],
    ["balances", [AccountBalancesChannelKinds.Balances]],
    ["ready", [AccountBalancesChannelKinds.Ready]],
    ["gap", [AccountBalancesChannelKinds.Gap]],
    ["auth.expiring", [AccountBalancesChannelKinds.CacheAuthExpiring]],
    ["error", [AccountBalancesChannelKinds.CacheError]],
    ["shutdown", [AccountBalancesChannelKinds.CacheShutdown]],
  ]),
  closeCodes: CLOSE_CODES,
  probe: AccountBalancesChannelRequests.ping,
};

const AccountBalancesChannelStreams: readonly StreamSpec[] = [
  {
    subscribe: null,
    unsubscribe: null,
    start: { kind: "Ready", key: [], seq: ["seq"], prev: null, epoch: ["epoch"] },
    frames: [
      { kind: "Balances", key: [{ way: [], names: ["type", "exchange_id", "timestamp", "seq", "prev", "initial"] }], seq: ["seq"], prev: ["prev"], epoch: null },
    ],
    resume: { seq: ["seq"], epoch: ["epoch"], recovered: ["recovered"] },
    gap: { places: { kind: "Gap", key: [{ way: ["key"], names: null }], seq: null, prev: null, epoch: ["epoch"] }, from: ["from_seq"], to: ["to_seq"] },
    reset: null,
    refresh: { request: AccountBalancesChannelRequests.refresh, token: ["token"] },
  },
];

/** What the server pushes over AccountBalancesChannel. */
export type AccountBalancesChannelMessage =
  | models.Balances
  | models.Ready
  | models.Gap
  | models.CacheAuthExpiring
  | models.CacheError
  | models.CacheShutdown;

/** The parameters of AccountBalancesChannel's address. */
export interface AccountBalancesChannelParameters {
  /** The number of one account of the caller's at one exchange. */
  exchange_id: number;
}

/** The query of AccountBalancesChannel's address. */
export interface AccountBalancesChannelQuery {
  /** With `seq`, the position of the last frame that the client holds. What came after it comes first. */
  epoch?: string;
  /** See `epoch`. */
  seq?: number;
}

/**
 * Own balances
 *
 * The caller's balance in each currency of an account, then each change.
 */
export class AccountBalancesChannel extends StreamChannel<AccountBalancesChannelMessage> {
  /** @internal */
  constructor(settings: StreamSettings, parameters: object, query: object) {
    super(AccountBalancesChannelSpec, AccountBalancesChannelStreams, settings, { ...parameters }, { ...query });
  }

  /** Ask whether the server is there, and for its time. */
  async ping(message: Omit<models.CachePing, "type"> = {}, options: RequestOptions = {}): Promise<models.CachePong> {
    return (await this.$ask(AccountBalancesChannelRequests.ping, message, options)) as models.CachePong;
  }

  /** Go on with a new token of the same user. */
  async refresh(message: Omit<models.CacheAuthRefresh, "type">, options: RequestOptions = {}): Promise<models.CacheAuthAck> {
    return (await this.$ask(AccountBalancesChannelRequests.refresh, message, options)) as models.CacheAuthAck;
  }
}
