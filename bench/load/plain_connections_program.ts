/** Program: PORT. What `openssl s_time` does, without TLS: connects, gets `/10`, reads to the end, and again. */
import { connectTo } from "../lab/connect.ts";
import { get } from "../lab/http.ts";

for (;;) {
  using connection = await connectTo(Number(Deno.args[0]), null);
  await get(connection, "/10");
}
