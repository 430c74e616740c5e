/**
 * Program: PATH. Stands in for nginx where that is not installed: answers `/SIZE` with a body of that many bytes on a
 * Unix socket, `/sink` with ten, and `/status` with a count of requests in the words of nginx's stub_status. It is several times slower.
 */
const bodies = new Map<string, Uint8Array<ArrayBuffer>>();
let requests = 0;

Deno.serve({ path: Deno.args[0], transport: "unix", onListen() {} }, async (request) => {
  requests++;
  const name = new URL(request.url).pathname.slice(1);
  if (name === "status") return new Response(`server accepts handled requests\n 0 0 ${requests} \n`);
  if (name === "sink") {
    await request.body?.pipeTo(new WritableStream());
    return new Response("x".repeat(10));
  }
  let body = bodies.get(name);
  if (!body) {
    const size = Number(name);
    if (!Number.isInteger(size) || size < 0 || size > 1e8) return new Response("", { status: 404 });
    bodies.set(name, body = new Uint8Array(size).fill(120));
  }
  return new Response(body, { headers: { "content-length": String(body.length) } });
});
