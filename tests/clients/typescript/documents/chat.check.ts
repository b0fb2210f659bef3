// What a user of the chat's client writes: it compiles, and what is wrong doesn't.

import { ChatClient, type Heard, type People, type Refused, type Said } from "./src/index.js";

export async function use(): Promise<number> {
  const client = new ChatClient();
  const room = client.room({ room: "a/b" }, { nick: "me", color: "red" });
  const answer: Said | Refused = await room.say({ text: "hello" }, { timeoutMs: 10 });
  const people: People = await room.who();
  await room.leave();
  await client.lobby.openRequest({ topic: "x" });
  for await (const message of room.messages()) {
    const heard: Heard = message;
    return heard.text.length + people.names.length + (answer.kind === "said" ? answer.number : answer.why.length);
  }
  // @ts-expect-error the query is needed
  client.room({ room: "x" });
  // @ts-expect-error one of two
  client.room({ room: "x" }, { nick: "me", color: "green" });
  // @ts-expect-error a text
  await room.say({ text: 7 });
  return 0;
}
