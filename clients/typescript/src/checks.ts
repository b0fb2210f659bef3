// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Checks: whether a value has the structure that the document says. Ranges, lengths and patterns are not looked at. */

import type { JsonObject } from "./runtime/options.js";
import { isObject as object } from "./runtime/values.js";

/** Return a member of an object that may have the name of one that every object has. */
export function own(value: JsonObject, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Tell whether a value is an object that passes. */
export function holds(value: unknown, passes: (inner: JsonObject) => boolean): boolean {
  return object(value) && passes(value);
}

/** Tell whether a value is a list all of whose items pass. */
export function items(value: unknown, passes: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(passes);
}

/** Tell whether a value is a list whose first items pass each its own test, and the others the last one. */
export function leading(
  value: unknown,
  least: number,
  first: readonly ((item: unknown) => boolean)[],
  rest: (item: unknown) => boolean,
): boolean {
  return Array.isArray(value) && value.length >= least && value.every((item, index) => (first[index] ?? rest)(item));
}

/** Tell whether the members of an object that aren't listed pass. */
export function others(value: JsonObject, listed: readonly string[], passes: (item: unknown) => boolean): boolean {
  for (const name of Object.keys(value)) {
    if (!listed.includes(name) && !passes(value[name])) {
      return false;
    }
  }
  return true;
}

const errorCodeValues: ReadonlySet<unknown> = new Set(["bad_request", "unknown_type", "unknown_symbol", "unsupported_resolution", "not_subscribed", "subscription_limit", "rate_limited", "unauthorized", "forbidden", "source_unavailable", "internal"]);

/** Tell whether a value has the structure of ErrorCode. */
export function isErrorCode(value: unknown): boolean {
  return errorCodeValues.has(value);
}

/** Tell whether a value has the structure of BarsAck. */
export function isBarsAck(value: unknown): boolean {
  return object(value) && value["type"] === "bars.ack" && isBarsAckPayload(value["payload"]);
}

/** Tell whether a value has the structure of BarsAckPayload. */
export function isBarsAckPayload(value: unknown): boolean {
  return (
    object(value)
    && isStatus(value["status"])
    && isSymbol(value["symbol"])
    && isResolution(value["resolution"])
    && typeof value["message"] === "string"
    && (value["code"] === undefined || isErrorCode(value["code"]))
    && (value["epoch"] === undefined || isEpoch(value["epoch"]))
    && (value["seq"] === undefined || isSeq(value["seq"]))
    && (value["recovered"] === undefined || typeof value["recovered"] === "boolean")
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of RequestId. */
export function isRequestId(value: unknown): boolean {
  return (typeof value === "string" || Number.isInteger(value));
}

/** Tell whether a value has the structure of Seq. */
export function isSeq(value: unknown): boolean {
  return Number.isInteger(value);
}

/** Tell whether a value has the structure of Epoch. */
export function isEpoch(value: unknown): boolean {
  return typeof value === "string";
}

/** Tell whether a value has the structure of Resolution. */
export function isResolution(value: unknown): boolean {
  return typeof value === "string";
}

/** Tell whether a value has the structure of Symbol. */
export function isSymbol(value: unknown): boolean {
  return typeof value === "string";
}

/** Tell whether a value has the structure of Status. */
export function isStatus(value: unknown): boolean {
  return (value === "ok" || value === "error");
}

/** Tell whether a value has the structure of BarsUnsubscribeAck. */
export function isBarsUnsubscribeAck(value: unknown): boolean {
  return object(value) && value["type"] === "bars.unsubscribe.ack" && isBarsUnsubscribeAckPayload(value["payload"]);
}

/** Tell whether a value has the structure of BarsUnsubscribeAckPayload. */
export function isBarsUnsubscribeAckPayload(value: unknown): boolean {
  return (
    object(value)
    && isStatus(value["status"])
    && isSymbol(value["symbol"])
    && isResolution(value["resolution"])
    && typeof value["message"] === "string"
    && (value["code"] === undefined || isErrorCode(value["code"]))
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of Pong. */
export function isPong(value: unknown): boolean {
  return object(value) && value["type"] === "pong" && isPongPayload(value["payload"]);
}

/** Tell whether a value has the structure of PongPayload. */
export function isPongPayload(value: unknown): boolean {
  return (
    object(value)
    && isTimestamp(value["timestamp"])
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of Timestamp. */
export function isTimestamp(value: unknown): boolean {
  return Number.isInteger(value);
}

/** Tell whether a value has the structure of AuthAck. */
export function isAuthAck(value: unknown): boolean {
  return object(value) && value["type"] === "auth.ack" && isAuthAckPayload(value["payload"]);
}

/** Tell whether a value has the structure of AuthAckPayload. */
export function isAuthAckPayload(value: unknown): boolean {
  return (
    object(value)
    && isStatus(value["status"])
    && typeof value["message"] === "string"
    && (value["expires_at"] === undefined || Number.isInteger(value["expires_at"]))
    && (value["code"] === undefined || isErrorCode(value["code"]))
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of BarsUpdate. */
export function isBarsUpdate(value: unknown): boolean {
  return object(value) && value["type"] === "bars.update" && isBarsUpdatePayload(value["payload"]);
}

/** Tell whether a value has the structure of BarsUpdatePayload. */
export function isBarsUpdatePayload(value: unknown): boolean {
  return (
    object(value)
    && isSymbol(value["symbol"])
    && isResolution(value["resolution"])
    && isBar(value["bar"])
    && Number.isInteger(value["timestamp"])
    && (value["final"] === undefined || typeof value["final"] === "boolean")
    && (value["seq"] === undefined || isSeq(value["seq"]))
    && (value["prev"] === undefined || Number.isInteger(value["prev"]))
    && (value["epoch"] === undefined || isEpoch(value["epoch"]))
  );
}

/** Tell whether a value has the structure of Bar. */
export function isBar(value: unknown): boolean {
  return (
    object(value)
    && Number.isInteger(value["time"])
    && (Number.isInteger(value["open"]) || typeof value["open"] === "number")
    && (Number.isInteger(value["high"]) || typeof value["high"] === "number")
    && (Number.isInteger(value["low"]) || typeof value["low"] === "number")
    && (Number.isInteger(value["close"]) || typeof value["close"] === "number")
    && (value["volume"] === undefined || (Number.isInteger(value["volume"]) || typeof value["volume"] === "number"))
  );
}

/** Tell whether a value has the structure of BarsCorrection. */
export function isBarsCorrection(value: unknown): boolean {
  return object(value) && value["type"] === "bars.correction" && isBarsCorrectionPayload(value["payload"]);
}

/** Tell whether a value has the structure of BarsCorrectionPayload. */
export function isBarsCorrectionPayload(value: unknown): boolean {
  return (
    object(value)
    && isSymbol(value["symbol"])
    && isResolution(value["resolution"])
    && isBar(value["bar"])
    && Number.isInteger(value["revision"])
    && isEpoch(value["epoch"])
    && isSeq(value["seq"])
    && Number.isInteger(value["prev"])
    && Number.isInteger(value["timestamp"])
  );
}

/** Tell whether a value has the structure of BarsSnapshot. */
export function isBarsSnapshot(value: unknown): boolean {
  return object(value) && value["type"] === "bars.snapshot" && isBarsSnapshotPayload(value["payload"]);
}

/** Tell whether a value has the structure of BarsSnapshotPayload. */
export function isBarsSnapshotPayload(value: unknown): boolean {
  return (
    object(value)
    && isSymbol(value["symbol"])
    && isResolution(value["resolution"])
    && items(value["bars"], (item) => isBar(item))
    && isEpoch(value["epoch"])
    && isSeq(value["seq"])
  );
}

/** Tell whether a value has the structure of BarsReset. */
export function isBarsReset(value: unknown): boolean {
  return object(value) && value["type"] === "bars.reset" && isBarsResetPayload(value["payload"]);
}

/** Tell whether a value has the structure of BarsResetPayload. */
export function isBarsResetPayload(value: unknown): boolean {
  return (
    object(value)
    && isSymbol(value["symbol"])
    && isResolution(value["resolution"])
    && (value["reason"] === "other_epoch" || value["reason"] === "too_old" || value["reason"] === "unknown_position")
    && isEpoch(value["epoch"])
    && isSeq(value["seq"])
  );
}

/** Tell whether a value has the structure of BarsError. */
export function isBarsError(value: unknown): boolean {
  return object(value) && value["type"] === "bars.error" && isBarsErrorPayload(value["payload"]);
}

/** Tell whether a value has the structure of BarsErrorPayload. */
export function isBarsErrorPayload(value: unknown): boolean {
  return (
    object(value)
    && isSymbol(value["symbol"])
    && isResolution(value["resolution"])
    && isErrorCode(value["code"])
    && typeof value["error"] === "string"
  );
}

/** Tell whether a value has the structure of AuthExpiring. */
export function isAuthExpiring(value: unknown): boolean {
  return object(value) && value["type"] === "auth.expiring" && isAuthExpiringPayload(value["payload"]);
}

/** Tell whether a value has the structure of AuthExpiringPayload. */
export function isAuthExpiringPayload(value: unknown): boolean {
  return object(value) && Number.isInteger(value["expires_at"]);
}

/** Tell whether a value has the structure of Error. */
export function isError(value: unknown): boolean {
  return object(value) && value["type"] === "error" && isErrorPayload(value["payload"]);
}

/** Tell whether a value has the structure of ErrorPayload. */
export function isErrorPayload(value: unknown): boolean {
  return (
    object(value)
    && isErrorCode(value["code"])
    && typeof value["message"] === "string"
    && (value["retry_after_ms"] === undefined || Number.isInteger(value["retry_after_ms"]))
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of Shutdown. */
export function isShutdown(value: unknown): boolean {
  return object(value) && value["type"] === "shutdown" && isShutdownPayload(value["payload"]);
}

/** Tell whether a value has the structure of ShutdownPayload. */
export function isShutdownPayload(value: unknown): boolean {
  return object(value) && Number.isInteger(value["reconnect_after_ms"]);
}

/** Tell whether a value has the structure of CachePong. */
export function isCachePong(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "pong"
    && isTimestamp(value["timestamp"])
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of CacheAuthAck. */
export function isCacheAuthAck(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "auth.ack"
    && isStatus(value["status"])
    && typeof value["message"] === "string"
    && (value["expires_at"] === undefined || Number.isInteger(value["expires_at"]))
    && (value["code"] === undefined || isErrorCode(value["code"]))
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of Ticker. */
export function isTicker(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "ticker"
    && isExchange(value["exchange"])
    && isExchangeSymbol(value["symbol"])
    && Number.isInteger(value["time"])
    && (Number.isInteger(value["price"]) || typeof value["price"] === "number")
    && ((Number.isInteger(value["bid"]) || typeof value["bid"] === "number") || value["bid"] === null)
    && ((Number.isInteger(value["ask"]) || typeof value["ask"] === "number") || value["ask"] === null)
    && (Number.isInteger(value["volume"]) || typeof value["volume"] === "number")
    && (value["open"] === undefined || (Number.isInteger(value["open"]) || typeof value["open"] === "number"))
    && (value["high"] === undefined || (Number.isInteger(value["high"]) || typeof value["high"] === "number"))
    && (value["low"] === undefined || (Number.isInteger(value["low"]) || typeof value["low"] === "number"))
    && (value["change"] === undefined || (Number.isInteger(value["change"]) || typeof value["change"] === "number"))
    && (value["change_percent"] === undefined || (Number.isInteger(value["change_percent"]) || typeof value["change_percent"] === "number"))
    && Number.isInteger(value["seq"])
  );
}

/** Tell whether a value has the structure of ExchangeSymbol. */
export function isExchangeSymbol(value: unknown): boolean {
  return typeof value === "string";
}

/** Tell whether a value has the structure of Exchange. */
export function isExchange(value: unknown): boolean {
  return typeof value === "string";
}

/** Tell whether a value has the structure of Ready. */
export function isReady(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "ready"
    && isEpoch(value["epoch"])
    && isSeq(value["seq"])
    && typeof value["recovered"] === "boolean"
    && isLimits(value["limits"])
  );
}

/** Tell whether a value has the structure of Limits. */
export function isLimits(value: unknown): boolean {
  return (
    object(value)
    && Number.isInteger(value["frame_bytes"])
    && (Number.isInteger(value["frames_per_second"]) || typeof value["frames_per_second"] === "number")
    && Number.isInteger(value["frames_burst"])
    && Number.isInteger(value["outbox_bytes"])
    && Number.isInteger(value["outbox_age_ms"])
    && Number.isInteger(value["ring_frames"])
    && Number.isInteger(value["ring_age_ms"])
  );
}

/** Tell whether a value has the structure of CacheAuthExpiring. */
export function isCacheAuthExpiring(value: unknown): boolean {
  return object(value) && value["type"] === "auth.expiring" && Number.isInteger(value["expires_at"]);
}

/** Tell whether a value has the structure of CacheError. */
export function isCacheError(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "error"
    && isErrorCode(value["code"])
    && typeof value["message"] === "string"
    && (value["retry_after_ms"] === undefined || Number.isInteger(value["retry_after_ms"]))
    && (value["id"] === undefined || isRequestId(value["id"]))
  );
}

/** Tell whether a value has the structure of CacheShutdown. */
export function isCacheShutdown(value: unknown): boolean {
  return object(value) && value["type"] === "shutdown" && Number.isInteger(value["reconnect_after_ms"]);
}

/** Tell whether a value has the structure of Trade. */
export function isTrade(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "trade"
    && isExchange(value["exchange"])
    && isExchangeSymbol(value["symbol"])
    && typeof value["trade_id"] === "string"
    && isTimestamp(value["timestamp"])
    && (Number.isInteger(value["price"]) || typeof value["price"] === "number")
    && (Number.isInteger(value["volume"]) || typeof value["volume"] === "number")
    && (value["side"] === "buy" || value["side"] === "sell")
    && isSeq(value["seq"])
    && isPrev(value["prev"])
  );
}

/** Tell whether a value has the structure of Prev. */
export function isPrev(value: unknown): boolean {
  return Number.isInteger(value);
}

/** Tell whether a value has the structure of Gap. */
export function isGap(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "gap"
    && isEpoch(value["epoch"])
    && (typeof value["key"] === "string" || value["key"] === null)
    && Number.isInteger(value["from_seq"])
    && Number.isInteger(value["to_seq"])
  );
}

/** Tell whether a value has the structure of Order. */
export function isOrder(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "order"
    && isExchange(value["exchange"])
    && isExchangeId(value["exchange_id"])
    && typeof value["order_id"] === "string"
    && isExchangeSymbol(value["symbol"])
    && (value["side"] === "buy" || value["side"] === "sell")
    && (value["order_type"] === "limit" || value["order_type"] === "market")
    && (Number.isInteger(value["volume"]) || typeof value["volume"] === "number")
    && (Number.isInteger(value["filled"]) || typeof value["filled"] === "number")
    && (Number.isInteger(value["remaining"]) || typeof value["remaining"] === "number")
    && ((Number.isInteger(value["price"]) || typeof value["price"] === "number") || value["price"] === null)
    && ((Number.isInteger(value["average"]) || typeof value["average"] === "number") || value["average"] === null)
    && (value["cost"] === undefined || (Number.isInteger(value["cost"]) || typeof value["cost"] === "number"))
    && (value["fee"] === undefined || (Number.isInteger(value["fee"]) || typeof value["fee"] === "number"))
    && (value["status"] === "open" || value["status"] === "closed" || value["status"] === "canceled" || value["status"] === "expired" || value["status"] === "rejected")
    && Number.isInteger(value["timestamp"])
    && isSeq(value["seq"])
    && isPrev(value["prev"])
    && (value["initial"] === undefined || isInitial(value["initial"]))
  );
}

/** Tell whether a value has the structure of Initial. */
export function isInitial(value: unknown): boolean {
  return typeof value === "boolean";
}

/** Tell whether a value has the structure of ExchangeId. */
export function isExchangeId(value: unknown): boolean {
  return Number.isInteger(value);
}

/** Tell whether a value has the structure of Balances. */
export function isBalances(value: unknown): boolean {
  return (
    object(value)
    && value["type"] === "balances"
    && isExchangeId(value["exchange_id"])
    && Number.isInteger(value["timestamp"])
    && isSeq(value["seq"])
    && isPrev(value["prev"])
    && (value["initial"] === undefined || isInitial(value["initial"]))
    && others(value, ["type", "exchange_id", "timestamp", "seq", "prev", "initial"], (item) => isBalance(item))
  );
}

/** Tell whether a value has the structure of Balance. */
export function isBalance(value: unknown): boolean {
  return (
    object(value)
    && (Number.isInteger(value["total"]) || typeof value["total"] === "number")
    && (Number.isInteger(value["free"]) || typeof value["free"] === "number")
    && (Number.isInteger(value["used"]) || typeof value["used"] === "number")
  );
}
