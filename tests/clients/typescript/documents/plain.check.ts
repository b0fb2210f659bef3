// What a user of a client with odd names writes.

import { OddNames2WaysClient } from "./src/index.js";

export async function use(): Promise<void> {
  const client = new OddNames2WaysClient();
  const answer = await client.constructorChannel.closeRequest({ question: { name: "x", branches: [{ name: "y" }] } });
  const first: number = answer["a-b"];
  const last: string | null = answer.class;
  const some: (number | null)[] | undefined = answer["1st"];
  const quoted: boolean | undefined = answer['quo"te'];
  void [first, last, some, quoted];
}
