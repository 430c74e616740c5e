/** What only a configuration that orders certificates needs. */
export { ChallengeWatch } from "./challenge_watch.ts";
export { Renewal } from "./renewal.ts";
export { AcmeStorage } from "./storage.ts";
export { certificateId } from "./stored_certificate.ts";
