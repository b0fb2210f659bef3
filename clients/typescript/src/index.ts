// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Everything that a user of the client needs. */

export { TapecastClient } from "./client.js";
export {
  BarsChannel,
  type BarsChannelMessage,
  TickersChannel,
  type TickersChannelMessage,
  type TickersChannelParameters,
  ExchangeTickersChannel,
  type ExchangeTickersChannelMessage,
  type ExchangeTickersChannelParameters,
  TradesChannel,
  type TradesChannelMessage,
  type TradesChannelParameters,
  type TradesChannelQuery,
  ExchangeTradesChannel,
  type ExchangeTradesChannelMessage,
  type ExchangeTradesChannelParameters,
  type ExchangeTradesChannelQuery,
  OrdersChannel,
  type OrdersChannelMessage,
  type OrdersChannelParameters,
  type OrdersChannelQuery,
  ExchangeOrdersChannel,
  type ExchangeOrdersChannelMessage,
  type ExchangeOrdersChannelParameters,
  type ExchangeOrdersChannelQuery,
  BalancesChannel,
  type BalancesChannelMessage,
  type BalancesChannelParameters,
  type BalancesChannelQuery,
  AccountBalancesChannel,
  type AccountBalancesChannelMessage,
  type AccountBalancesChannelParameters,
  type AccountBalancesChannelQuery,
} from "./channels.js";
export { CLOSE_CODES, ERROR_CODES } from "./codes.js";
export type * as models from "./models.js";
export type * from "./models.js";
export type { ChannelStats, CloseMeaning } from "./runtime/channel.js";
export {
  ClientError,
  ConnectionClosedError,
  ConnectionLostError,
  OverflowError,
  RefusedError,
  RequestTimeoutError,
} from "./runtime/errors.js";
export type {
  Carriage,
  ClientOptions,
  Clock,
  ConnectionEvent,
  RequestOptions,
  TokenSource,
  UndeclaredFrame,
  WebSocketConstructor,
  WebSocketLike,
} from "./runtime/options.js";
export type { StreamGap, StreamKey } from "./runtime/positions.js";
export type { StreamOptions, StreamStats } from "./runtime/stream.js";
