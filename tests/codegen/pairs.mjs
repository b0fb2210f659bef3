// Pairs: generated clients, compiled, told by lines of JSON what to do. One channel is open at a time.
//
// argv: the folder of all compiled clients. A line is {id, op, ...}; its answer {id, result} or {id, error}.
// A value is {json} or {bytes}.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const root = process.argv[2];
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const packed = (value) => {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return { bytes: [...new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength)] };
  }
  return value === undefined ? {} : { json: value };
};
const unpacked = (value) => ("bytes" in value ? new Uint8Array(value.bytes) : value.json);

class Socket extends WebSocket {
  constructor(url, protocols, options) {
    super(url, { protocols: protocols ?? [], headers: options?.headers ?? {} });
  }
}

process.on("unhandledRejection", (error) => process.stderr.write(`unhandled: ${error?.stack}\n`));

let client = null;
let channel = null;
let messages = null;
let unknown = null;
let failed = null;

/** Return the channel with this id, whatever the client calls it. */
function channelOf(id, parameters, query) {
  for (const [name, member] of Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(client)))) {
    if (name === "constructor" || name === "close") {
      continue;
    }
    const makes = member.get ?? member.value;
    const given = [parameters, query].filter((item) => Object.keys(item).length > 0);
    const made = makes.call(client, ...(member.get ? [] : given));
    if (made.$spec.id === id) {
      return made;
    }
  }
  throw new Error(`there is no channel ${id}`);
}

/** Return the request that a method sends, and whether it takes what it is given. */
function requestOf(method) {
  let found = null;
  const mark = {};
  const stub = new Proxy({}, { get: () => (spec, given) => ((found = { spec, takes: given === mark }), undefined) });
  method.call(stub, mark).catch(() => {});
  return found;
}

const operations = {
  open: async ({ folder, url, token, basic, channel: id, parameters, query, headers }) => {
    const module = await import(pathToFileURL(`${root}/${folder}/src/index.js`).href);
    const Client = Object.entries(module).find(([name, value]) => name.endsWith("Client") && typeof value === "function")[1];
    unknown = new Promise((_, reject) => (failed = reject));
    unknown.catch(() => {});
    client = new Client({
      url,
      headers,
      WebSocket: Socket,
      ...(token === null ? {} : { token }),
      ...(basic === null ? {} : { basic }),
      onUndeclared: (frame) => failed(new Error(`the client doesn't know this: ${JSON.stringify(frame)}`)),
      onConnection: (event) => event.type === "closed" && failed(new Error(`closed: ${JSON.stringify(event)}`)),
    });
    channel = channelOf(id, parameters, query);
    messages = channel.messages();
    await channel.open();
  },
  call: async ({ operation, value }) => {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(channel))) {
      const found = name === "constructor" ? null : requestOf(channel[name]);
      if (found === null || found.spec.name !== operation) {
        continue;
      }
      const { spec, takes } = found;
      let given = unpacked(value);
      if (spec.body !== null) {
        given = given[spec.body];
      } else if (takes && Object.keys(spec.fixed).length > 0) {
        given = Object.fromEntries(Object.entries(given).filter(([member]) => !(member in spec.fixed)));
      }
      const args = !takes ? [] : given === undefined ? [undefined] : [given];
      return packed(await Promise.race([channel[name](...args), unknown]));
    }
    throw new Error(`there is no method for ${operation}`);
  },
  next: async () => {
    const { value, done } = await Promise.race([messages.next(), unknown]);
    if (done) {
      throw new Error("the iteration is over");
    }
    return packed(value);
  },
  close: () => {
    client?.close();
    client = channel = messages = null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  Promise.resolve()
    .then(() => operations[command.op](command))
    .then(
      (result) => print({ id: command.id, result: result ?? null }),
      (error) => print({ id: command.id, error: { name: error.name, message: error.message, stack: error.stack } }),
    );
}
client?.close();
