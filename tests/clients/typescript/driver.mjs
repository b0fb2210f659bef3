// Driver: the compiled client, told by lines of JSON what to do. It prints a line of JSON for whatever happens.
//
// argv: the folder of the compiled client. A line is {id, op, ...}; its answer {id, result} or {id, error}.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const module = await import(pathToFileURL(`${process.argv[2]}/index.js`).href);
const Client = Object.entries(module).find(([name]) => name.endsWith("Client"))[1];
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

let client = null;
let tokens = [];
let asked = 0;
let sockets = [];
let turned = 0;
let closing = null;
const channels = new Map();

class Watched extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols);
    sockets.push({ url, protocols });
  }
}

function start({ options = {}, speed = 1, random = 0, given = [] }) {
  tokens = given;
  const began = performance.now();
  const clock = {
    now: () => Math.round((performance.now() - began) * speed) + 1_793_000_000_000 + turned,
    setTimeout: (callback, ms) => setTimeout(callback, ms / speed),
    clearTimeout: (timer) => clearTimeout(timer),
  };
  client = new Client({
    // What only bounds a failure is not to fail on a busy machine.
    connectTimeoutMs: 10_000 * speed,
    requestTimeoutMs: 10_000 * speed,
    idleMs: 20_000 * speed,
    stableMs: 5_000 * speed,
    ...options,
    clock,
    random: () => random,
    WebSocket: Watched,
    ...(tokens.length > 0 ? { token: nextToken } : {}),
    onUndeclared: (frame) => print({ event: "undeclared", ...frame }),
    onConnection: (event) => {
      print({ event: "connection", ...event, error: event.error && String(event.error) });
      if (event.type === "open") {
        closing?.close();
      }
    },
    onGap: (gap) => print({ event: "gap", ...gap }),
    onRefused: ({ channel, key, error }) => print({ event: "refused", channel, key, error: String(error) }),
  });
}

/** Return the next token; null: one that never comes. */
function nextToken() {
  const token = tokens[Math.min(asked++, tokens.length - 1)];
  return token ?? new Promise(() => {});
}

function channelOf({ channel, given = [] }) {
  const name = JSON.stringify([channel, given]);
  const found = channels.get(name);
  if (found !== undefined && !found.closed) {
    return found;
  }
  const made = typeof client[channel] === "function" ? client[channel](...given) : client[channel];
  channels.set(name, made);
  return made;
}

const controllers = new Map();

const operations = {
  start,
  call: async ({ id, method, args = [], options = {}, ...rest }) => {
    const controller = new AbortController();
    controllers.set(id, controller);
    const target = channelOf(rest);
    const count = target[method].length; // of the arguments without a default
    const filled = args.length < count ? [...args, ...Array(count - args.length).fill({})] : args;
    return await target[method](...filled, { ...options, signal: controller.signal });
  },
  abort: ({ of }) => controllers.get(of).abort(),
  close: (command) => channelOf(command).close(),
  closeAll: () => client.close(),
  stats: (command) => channelOf(command).stats,
  subscriptions: (command) => channelOf(command).subscriptions,
  turn: ({ ms }) => void (turned += ms),
  closeOnOpen: (command) => void (closing = channelOf(command)),
  sockets: () => sockets,
  memory: () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
  read: async ({ quiet = false, limit = Infinity, pause = 0, ...rest }) => {
    const target = channelOf(rest);
    let count = 0;
    try {
      for await (const message of target.messages()) {
        count += 1;
        if (!quiet) {
          print({ event: "message", channel: rest.channel, message });
        }
        if (pause > 0) {
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
        if (count >= limit) {
          break;
        }
      }
      print({ event: "end", channel: rest.channel, count });
    } catch (error) {
      print({ event: "end", channel: rest.channel, count, error: told(error) });
    }
  },
};

function told(error) {
  const { name, message, code, reason, answer, retryAfterMs, dropped } = error;
  return { name, message, code, reason, answer, retryAfterMs, dropped };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const { id, op } = command;
  Promise.resolve()
    .then(() => (op === "read" ? void operations.read(command) : operations[op](command)))
    .then(
      (result) => print({ id, result: result ?? null }),
      (error) => print({ id, error: told(error) }),
    );
}
client?.close();
