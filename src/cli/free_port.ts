import { createServer } from "node:net";

/** Returns `wanted` where that port is free on the loopback address, else another free port. */
export async function freePort(wanted: number): Promise<number> {
  return await tryPort(wanted) ?? await tryPort(0) ?? wanted;
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ host: "127.0.0.1", port }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port ?? null : null));
    });
  });
}
