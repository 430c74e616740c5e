/**
 * Asks for a path by HTTP/1.0 and reads to the end.
 *
 * @returns The body.
 * @throws {Error} If the answer is not 200, or is cut short.
 */
export async function get(connection: Deno.Conn, path: string): Promise<string> {
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`));
  const answer = await new Response(connection.readable).text();
  const end = answer.indexOf("\r\n\r\n");
  if (!/^HTTP\/1\.[01] 200 /.test(answer) || end < 0) {
    throw new Error(`Cannot get ${path}: answered ${JSON.stringify(answer.slice(0, 100))}`);
  }
  return answer.slice(end + 4);
}
