import { type Conn, ConnError } from "../engines/contract.ts";

const NOTHING_YET = Promise.resolve(null);

/**
 * Writes the PROXY header to a backend, in one write with the client's first bytes if those have arrived. A backend
 * that speaks first must not wait for a client that does not, so bytes that come later are not waited for.
 * @param first the client's first read
 * @param taken called before the write with the number of the client's bytes that go with it, where that is not 0
 * @returns the failure where the backend takes nothing
 */
export async function writeHeader(
  backend: Conn,
  header: Uint8Array,
  first: Promise<Uint8Array | null>,
  taken: (count: number) => void,
): Promise<ConnError | null> {
  let bytes = header;
  const early = await Promise.race([first, NOTHING_YET]).catch(() => null);
  if (early !== null) {
    bytes = new Uint8Array(header.length + early.length);
    bytes.set(header);
    bytes.set(early, header.length);
    taken(early.length);
  }
  try {
    await backend.write(bytes);
    return null;
  } catch (error) {
    if (!(error instanceof ConnError)) throw error;
    return error;
  }
}
