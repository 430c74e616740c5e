/** Program: PORT. What `openssl s_time` does, without TLS: connects, gets `/10`, reads to the end, and again. */
import { get } from "../http.ts";

for (;;) {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(Deno.args[0]) });
  await get(connection, "/10");
}
