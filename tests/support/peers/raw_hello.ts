/**
 * A ClientHello as no library sends it: without supported_versions.
 * @param version the legacy_version, such as 0x0303 for TLS 1.2
 * @param serverName in ASCII
 * @returns one record
 */
export function rawHello(version: number, serverName: string): Uint8Array<ArrayBuffer> {
  const name = [...new TextEncoder().encode(serverName)];
  const extensions = [
    ...extension(0, sized([0, ...sized(name)])), // server_name
    ...extension(10, sized(numbers(29, 23))), // supported_groups
    ...extension(11, [1, 0]), // ec_point_formats
    ...extension(13, sized(numbers(0x0403, 0x0804, 0x0401))), // signature_algorithms
    ...extension(23, []), // extended_master_secret
  ];
  const body = [
    ...numbers(version),
    ...crypto.getRandomValues(new Uint8Array(32)),
    0,
    ...sized(numbers(0xc02b, 0xc02f, 0xc02c, 0xc030)),
    ...[1, 0],
    ...sized(extensions),
  ];
  return Uint8Array.from([22, 3, 1, ...sized([1, 0, ...sized(body)])]);
}

function extension(type: number, content: number[]): number[] {
  return [...numbers(type), ...sized(content)];
}

function numbers(...values: number[]): number[] {
  return values.flatMap((value) => [value >> 8, value & 0xff]);
}

/** Bytes behind their number, in two bytes. */
function sized(bytes: number[]): number[] {
  return [...numbers(bytes.length), ...bytes];
}
