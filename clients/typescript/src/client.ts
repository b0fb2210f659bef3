// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Client: one server, and its channels. */

import {
  BarsChannel,
  TickersChannel,
  type TickersChannelParameters,
  ExchangeTickersChannel,
  type ExchangeTickersChannelParameters,
  TradesChannel,
  type TradesChannelParameters,
  type TradesChannelQuery,
  ExchangeTradesChannel,
  type ExchangeTradesChannelParameters,
  type ExchangeTradesChannelQuery,
  OrdersChannel,
  type OrdersChannelParameters,
  type OrdersChannelQuery,
  ExchangeOrdersChannel,
  type ExchangeOrdersChannelParameters,
  type ExchangeOrdersChannelQuery,
  BalancesChannel,
  type BalancesChannelParameters,
  type BalancesChannelQuery,
  AccountBalancesChannel,
  type AccountBalancesChannelParameters,
  type AccountBalancesChannelQuery,
} from "./channels.js";
import type { Channel } from "./runtime/channel.js";
import { settle, type Settings } from "./runtime/options.js";
import type { StreamOptions } from "./runtime/stream.js";

/**
 * Client of Tapecast.
 *
 * It connects when it is first used.
 */
export class TapecastClient {
  readonly #settings: Settings & StreamOptions;
  readonly #made = new Set<Channel<unknown>>();
  readonly #once = new Map<string, Channel<unknown>>();

  /** Nothing is connected yet. Throws a TypeError for options that don't do. */
  constructor(options: StreamOptions = {}) {
    this.#settings = { ...options, ...settle(options, "ws://127.0.0.1:8000") };
  }

  /**
   * Bars
   *
   * Live bars by request and reply.
   */
  get bars(): BarsChannel {
    const found = this.#once.get("bars");
    if (found instanceof BarsChannel && !found.closed) {
      return found;
    }
    const made = this.#keep(new BarsChannel(this.#settings, {}, {}));
    this.#once.set("bars", made);
    return made;
  }

  /**
   * Ticker of a symbol
   *
   * The last ticker of one symbol, then each change.
   */
  tickers(parameters: TickersChannelParameters): TickersChannel {
    return this.#keep(new TickersChannel(this.#settings, parameters, {}));
  }

  /**
   * Tickers of an exchange
   *
   * The last ticker of each symbol of an exchange, then each change.
   */
  exchangeTickers(parameters: ExchangeTickersChannelParameters): ExchangeTickersChannel {
    return this.#keep(new ExchangeTickersChannel(this.#settings, parameters, {}));
  }

  /**
   * Trades of a symbol
   *
   * Each public trade of one symbol.
   */
  trades(parameters: TradesChannelParameters, query: TradesChannelQuery = {}): TradesChannel {
    return this.#keep(new TradesChannel(this.#settings, parameters, query));
  }

  /**
   * Trades of an exchange
   *
   * Each public trade of an exchange.
   */
  exchangeTrades(parameters: ExchangeTradesChannelParameters, query: ExchangeTradesChannelQuery = {}): ExchangeTradesChannel {
    return this.#keep(new ExchangeTradesChannel(this.#settings, parameters, query));
  }

  /**
   * Own orders of a symbol
   *
   * The caller's open orders of one symbol, then each change of one.
   */
  orders(parameters: OrdersChannelParameters, query: OrdersChannelQuery = {}): OrdersChannel {
    return this.#keep(new OrdersChannel(this.#settings, parameters, query));
  }

  /**
   * Own orders at an exchange
   *
   * The caller's open orders at an exchange, then each change of one.
   */
  exchangeOrders(parameters: ExchangeOrdersChannelParameters, query: ExchangeOrdersChannelQuery = {}): ExchangeOrdersChannel {
    return this.#keep(new ExchangeOrdersChannel(this.#settings, parameters, query));
  }

  /**
   * Own balance in a currency
   *
   * The caller's balance in one currency, then each change.
   */
  balances(parameters: BalancesChannelParameters, query: BalancesChannelQuery = {}): BalancesChannel {
    return this.#keep(new BalancesChannel(this.#settings, parameters, query));
  }

  /**
   * Own balances
   *
   * The caller's balance in each currency of an account, then each change.
   */
  accountBalances(parameters: AccountBalancesChannelParameters, query: AccountBalancesChannelQuery = {}): AccountBalancesChannel {
    return this.#keep(new AccountBalancesChannel(this.#settings, parameters, query));
  }

  /** Close every channel. */
  close(): void {
    for (const channel of this.#made) {
      channel.close();
    }
    this.#made.clear();
  }

  #keep<Kept extends Channel<unknown>>(channel: Kept): Kept {
    for (const other of this.#made) {
      if (other.closed) {
        this.#made.delete(other);
      }
    }
    this.#made.add(channel);
    return channel;
  }
}
