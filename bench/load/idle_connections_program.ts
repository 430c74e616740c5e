/**
 * Program: PORT COUNT [CA]. Opens COUNT connections to 127.0.0.1, a few at a time, with TLS if there is an authority to
 * trust; makes one request of 10 bytes on each, says READY, and holds them until it is ended.
 */
import { connectTo } from "../lab/connect.ts";

const [port, count, ca] = Deno.args;
const caCerts = ca ? [await Deno.readTextFile(ca)] : null;
const request = new TextEncoder().encode("GET /10 HTTP/1.1\r\nHost: localhost\r\n\r\n");
const held: Deno.Conn[] = [];
let left = Number(count);

async function openSome(): Promise<void> {
  const buffer = new Uint8Array(4096);
  while (left-- > 0) {
    const connection = await connectTo(Number(port), caCerts);
    held.push(connection);
    await connection.write(request);
    let answer = "";
    while (!answer.endsWith("x".repeat(10))) {
      const bytes = await connection.read(buffer);
      if (bytes === null) throw new Error(`Cannot hold ${count} connections: number ${held.length} was closed`);
      answer += new TextDecoder().decode(buffer.subarray(0, bytes));
    }
  }
}

await Promise.all(Array.from({ length: 20 }, openSome));
console.log(`READY ${held.length}`);
setInterval(() => {}, 60_000);
