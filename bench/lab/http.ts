async function exchange(connection: Deno.Conn, request: string): Promise<string> {
  const bytes = new TextEncoder().encode(request);
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
  const answer = await new Response(connection.readable).text();
  const end = answer.indexOf("\r\n\r\n");
  if (!/^HTTP\/1\.[01] 200 /.test(answer) || end < 0) {
    throw new Error(`Cannot ${request.split(" HTTP")[0]}: answered ${JSON.stringify(answer.slice(0, 100))}`);
  }
  return answer.slice(end + 4);
}

/**
 * Asks for a path and reads to the end of the connection.
 *
 * @returns The body.
 * @throws {Error} If the answer is not 200, or is cut short.
 */
export function get(connection: Deno.Conn, path: string): Promise<string> {
  return exchange(connection, `GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`);
}

/** Sends a body and reads to the end of the connection, as {@linkcode get} does. */
export function post(connection: Deno.Conn, path: string, body: string): Promise<string> {
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}`;
  return exchange(connection, `${head}\r\n\r\n${body}`);
}
