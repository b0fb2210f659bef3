// Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
/** Codes: those of errors, and of closed connections, with what they mean. */

import type { CloseMeaning } from "./runtime/channel.js";

/** What each error code means. */
export const ERROR_CODES = {
  "bad_request": "The frame is not JSON, or not a message as this document describes it.",
  "unknown_type": "The frame's type is none that this socket accepts.",
  "unknown_symbol": "No source serves this symbol, or the bare symbol is ambiguous.",
  "unsupported_resolution": "The resolution is none of those listed.",
  "not_subscribed": "There is no such subscription on this connection.",
  "subscription_limit": "The connection holds as many subscriptions as it may.",
  "rate_limited": "Frames came faster than the limit; this one was not handled. Wait retry_after_ms.",
  "unauthorized": "The token is bad or has expired.",
  "forbidden": "The token is another user's, or does not cover what this connection shows.",
  "source_unavailable": "The source of this symbol is not available now.",
  "internal": "The server failed to handle this frame and closes the connection with 1011. The fault was logged.",
} as const;

/** What each close code means. */
export const CLOSE_CODES: ReadonlyMap<number, CloseMeaning> = new Map([
  [1000, { name: "normal", text: "The client's own close, echoed.", reconnect: false }],
  [1001, { name: "going_away", text: "The client's own close, echoed.", reconnect: false }],
  [1002, { name: "protocol_error", text: "The client broke the WebSocket protocol.", reconnect: false }],
  [1003, { name: "unsupported_data", text: "A binary frame was sent; this API speaks text frames only.", reconnect: false }],
  [1007, { name: "invalid_payload", text: "A text frame was not valid UTF-8.", reconnect: false }],
  [1008, { name: "policy_violation", text: "The token, its scopes, the account or the Origin were refused.", reconnect: false }],
  [1009, { name: "message_too_big", text: "A frame was larger than the limit.", reconnect: false }],
  [1011, { name: "internal_error", text: "The server failed. The fault was logged.", reconnect: true }],
  [4001, { name: "shutdown", text: "The server is shutting down. Reconnect after reconnect_after_ms.", reconnect: true }],
  [4002, { name: "slow_consumer", text: "The client read too slowly and its outbox overflowed.", reconnect: true }],
  [4003, { name: "token_expired", text: "The token expired. Reconnect with a new one.", reconnect: true }],
  [4004, { name: "ping_timeout", text: "The client did not answer pings.", reconnect: true }],
  [4005, { name: "rate_limit", text: "The rate limit was exceeded three times within ten seconds.", reconnect: true }],
  [4006, { name: "state_lost", text: "The source started over; subscribe again.", reconnect: true }],
  [4007, { name: "connection_limit", text: "The user, the address or the server has as many connections as it may. Reconnect after a while.", reconnect: true }],
  [4501, { name: "token_revoked", text: "The new token is another user's, or does not cover what this connection shows.", reconnect: false }],
  [4502, { name: "bad_frames", text: "Twenty bad frames in a row.", reconnect: false }],
  [4504, { name: "unknown_address", text: "There is no such channel, exchange, symbol or currency, or a parameter is malformed.", reconnect: false }],
]);
