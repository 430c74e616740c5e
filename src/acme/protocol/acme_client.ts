import { answerError, type Directory, fetchDirectory, parseJson, problemOf } from "./directory.ts";
import type { HttpsAnswer, HttpsClient } from "./https_client.ts";
import { type AccountKey, signEs256 } from "./jws.ts";
import { AcmeError } from "./problem.ts";

/** How often a request may be signed anew because the server does not take its nonce (RFC 8555 section 6.5). */
const MAX_NONCE_ERRORS = 12;
/** Nonces that are not used yet. Each answer brings one. */
const MAX_NONCES = 8;

/** Sends signed requests of one account, or of one that is about to be made, to one ACME server. */
export class AcmeClient {
  readonly directory: Directory;
  readonly key: AccountKey;
  readonly https: HttpsClient;
  /** The account's URL; "" until it is known. */
  account = "";
  readonly #nonces: string[] = [];

  private constructor(https: HttpsClient, directory: Directory, key: AccountKey) {
    this.https = https;
    this.directory = directory;
    this.key = key;
  }

  /**
   * @param url of the directory
   * @throws {AcmeError} where the directory can't be read
   */
  static async connect(https: HttpsClient, url: string, key: AccountKey): Promise<AcmeClient> {
    return new AcmeClient(https, await fetchDirectory(https, url), key);
  }

  /**
   * Sends a signed request.
   * @param payload `null` reads what is at `url` (POST-as-GET)
   * @param action what this is for, to follow "Cannot"
   * @throws {AcmeError} where the answer is a failure
   */
  async post(url: string, payload: unknown, action: string): Promise<HttpsAnswer> {
    for (let attempt = 1;; attempt++) {
      const header = this.account === "" ? { jwk: this.key.jwk } : { kid: this.account };
      const nonce = this.#nonces.pop() ?? await this.#newNonce();
      const text = payload === null ? "" : JSON.stringify(payload);
      const answer = await this.https.request("POST", url, await signEs256(this.key, { ...header, nonce, url }, text));
      this.#keepNonce(answer);
      if (answer.status < 400) return answer;
      if (problemOf(answer)?.type !== "badNonce" || attempt === MAX_NONCE_ERRORS) throw answerError(action, answer);
    }
  }

  /** As {@linkcode AcmeClient.post}, for an answer that is JSON. */
  async postJson(url: string, payload: unknown, action: string): Promise<Record<string, unknown>> {
    return parseJson(await this.post(url, payload, action));
  }

  async #newNonce(): Promise<string> {
    const answer = await this.https.request("HEAD", this.directory.newNonce);
    if (answer.status >= 400) throw answerError("get a nonce", answer);
    this.#keepNonce(answer);
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw new AcmeError("Cannot get a nonce: the answer has none");
    return nonce;
  }

  #keepNonce({ headers }: HttpsAnswer): void {
    const nonce = headers["replay-nonce"];
    if (typeof nonce === "string" && /^[\w-]+$/.test(nonce) && this.#nonces.length < MAX_NONCES) {
      this.#nonces.push(nonce);
    }
  }
}
