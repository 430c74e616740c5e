/** A ClientHello of TLS 1.2 (RFC 5246 section 7.4.1.2), which a server answers with its certificate. */
export const CLIENT_HELLO: Uint8Array<ArrayBuffer> = (() => {
  const extensions = [
    [0, 10, 0, 6, 0, 4, 0, 29, 0, 23], // supported_groups: x25519, secp256r1
    [0, 11, 0, 2, 1, 0], // ec_point_formats
    [0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1], // signature_algorithms: ECDSA and RSA with SHA-256
    [0, 23, 0, 0], // extended_master_secret
  ].flat();
  const random = [...crypto.getRandomValues(new Uint8Array(32))];
  const ciphers = [0xc0, 0x2b, 0xc0, 0x2c, 0xcc, 0xa9, 0xc0, 0x2f, 0xc0, 0x30];
  const hello = [3, 3, ...random, 0, 0, ciphers.length, ...ciphers, 1, 0, 0, extensions.length, ...extensions];
  return Uint8Array.of(0x16, 3, 1, 0, hello.length + 4, 1, 0, 0, hello.length, ...hello);
})();
