/** Why a certificate was not verified, as a fixed word for records and metrics. */
export type VerificationClass =
  | "certificate-malformed"
  | "certificate-unknown-authority"
  | "certificate-expired"
  | "certificate-not-yet-valid"
  | "certificate-wrong-use"
  | "certificate-weak"
  | "certificate-constraint"
  | "revoked"
  | "crl-missing"
  | "crl-expired";

/** Thrown where the certificate of a client could not be verified. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
  constructor(readonly verificationClass: VerificationClass, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
