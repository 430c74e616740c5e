import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { RequestDeadlines } from "../../src/admin/request_deadlines.ts";
import { until } from "../support/wait.ts";

const REQUEST_MS = 400;
const IDLE_MS = 1_200;

Deno.test("RequestDeadlines ends clients that let their request wait, whatever the runtime does", async () => {
  const deadlines = new RequestDeadlines(REQUEST_MS, IDLE_MS);
  const none = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0, connectionsCheckingInterval: 50 };
  const server = createServer(none, (request, response) => {
    deadlines.began(request, response);
    request.resume().on("end", () => response.end("ok"));
  });
  server.on("connection", (socket) => deadlines.opened(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ended: string[] = [];
  const speak = (name: string, text: string) =>
    new Promise<{ socket: Socket; answers: () => number }>((resolve) => {
      let answer = "";
      const socket = connect(
        port,
        "127.0.0.1",
        () => resolve({ socket, answers: () => answer.split("ok").length - 1 }),
      );
      socket.on("data", (chunk) => answer += chunk);
      socket.on("error", () => {});
      socket.on("close", () => ended.push(name));
      socket.write(text);
    });
  const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const patient = await speak("patient", request);
  await until(() => patient.answers() === 1, "the first answer");
  const others: [name: string, text: string][] = [
    ["silent", ""],
    ["half a head", "GET / HTTP/1.1\r\nHost:"],
    ["half a body", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"],
  ];
  for (const [name, text] of others) await speak(name, text);
  await until(() => ended.length === others.length, "those who have not asked are ended");
  // One that has asked may wait longer until it asks again, and is not waited for without end.
  assert.deepEqual(new Set(ended), new Set(others.map(([name]) => name)));
  patient.socket.write(request);
  await until(() => patient.answers() === 2, "the second answer");
  await until(() => ended.includes("patient"), "the idle one is ended");
  await new Promise((resolve) => server.close(resolve));
});
