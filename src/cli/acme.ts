import { fetchDirectory } from "../acme/protocol/directory.ts";
import { HttpsClient } from "../acme/protocol/https_client.ts";
import { issueCertificate } from "../acme/protocol/issue.ts";
import { renewalId } from "../acme/protocol/renewal_info.ts";
import { revokeCertificate } from "../acme/revoke.ts";
import { type AcmeSettings, loadAcmeSettings } from "../acme/settings.ts";
import { AcmeStorage, type SavedCertificate } from "../acme/storage.ts";
import { systemClock } from "../acme/clock.ts";
import { certificateId, readStored } from "../acme/stored_certificate.ts";
import { buildAcmeConfig, loadConfig } from "../config/load.ts";
import { formatProblem, Problems } from "../config/problem.ts";
import { VERSION } from "./version.ts";

/** What {@linkcode acme} is asked for. */
interface AcmeCommand {
  action: "list" | "renew" | "revoke";
  /** One of the certificate's names; "" for `list`. */
  name: string;
  /** The configuration; `null`: the defaults of `[acme]`, with the storage in the working directory. */
  file: string | null;
}

/** Until every process on the storage has put what it found there into service. */
const SPREAD_MS = 3_000;
const USER_AGENT = `tls-off/${VERSION}`;

/**
 * `tls-off acme`: what stands in the storage of certificates, and orders by hand.
 * @param print receives each line of the output
 * @returns the exit code
 * @throws {Error} where it can't be done
 */
export async function acme(command: AcmeCommand, print: (line: string) => void): Promise<number> {
  const { settings, lists } = await loadSettings(command.file);
  const storage = await AcmeStorage.open(settings.config.storage);
  const saved = await storage.list();
  for (const names of lists) {
    const request = { names, directory: settings.config.directory, profile: settings.config.profile };
    const id = certificateId(request);
    if (!saved.some((one) => one.id === id)) saved.push({ id, ...request });
  }
  if (command.action === "list") return await list(storage, saved, print);
  const found = saved.find(({ names, directory }) =>
    names.includes(command.name.toLowerCase()) && directory === settings.config.directory
  );
  if (found === undefined) {
    const where = `${settings.config.storage} from ${settings.config.directory}`;
    throw new Error(`No certificate for "${command.name}" in ${where}: see tls-off acme list`);
  }
  const own = { ...settings, config: { ...settings.config, profile: found.profile } };
  return await (command.action === "renew" ? renew : revoke)(own, storage, found, print);
}

async function loadSettings(file: string | null): Promise<{ settings: AcmeSettings; lists: string[][] }> {
  const problems = new Problems();
  const loaded = file === null ? null : await loadConfig(file);
  if (loaded !== null && loaded.config === null) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  const settings = await loadAcmeSettings(loaded?.config?.acme ?? buildAcmeConfig(), problems);
  if (settings === null) throw new Error(problems.found.map(({ message }) => message).join("\n"));
  const lists = loaded?.config?.listeners.map(({ acme }) => acme).filter((names) => names.length > 0) ?? [];
  return { settings, lists };
}

async function list(storage: AcmeStorage, saved: SavedCertificate[], print: (line: string) => void): Promise<number> {
  if (saved.length === 0) print(`No certificate in ${storage.path}`);
  for (const { id, names, directory, profile } of saved) {
    const stored = await readStored(storage.certificatePath(id));
    const state = await storage.readState(id);
    print(names.join(", "));
    print(`  from         ${directory}${profile === "" ? "" : `, profile ${profile}`}`);
    if (stored === null) print("  certificate  none yet");
    else {
      const until = new Date(stored.leaf.notAfter);
      print(`  certificate  ${until.getTime() < Date.now() ? "expired" : "valid until"} ${until.toISOString()}`);
      print(`  file         ${stored.path}`);
    }
    if (state.lastError !== "") print(`  last error   ${state.lastError}`);
  }
  return 0;
}

async function renew(
  settings: AcmeSettings,
  storage: AcmeStorage,
  { id, names }: SavedCertificate,
  print: (line: string) => void,
): Promise<number> {
  const lock = await storage.lock(id, systemClock);
  if (lock === null) throw new Error(`Another process orders the certificate for "${names[0]}" now: try again later`);
  try {
    print(`Ordering a certificate for ${names.join(", ")} from ${settings.config.directory}`);
    print("A tls-off that runs on this storage must be reachable at port 443 of each name, to answer the challenge.");
    const before = await readStored(storage.certificatePath(id));
    await issueCertificate({
      settings,
      storage,
      userAgent: USER_AGENT,
      id,
      names,
      replaces: before === null ? null : renewalId(before.pem),
      present: async (challenges) => {
        await storage.saveChallenges(challenges);
        await systemClock.sleep(SPREAD_MS);
        return () => storage.removeChallenges(challenges);
      },
      clock: systemClock,
      signal: lock.lost,
      progress: print,
    });
    await storage.saveState(id, { notBeforeMs: 0, failures: 0, lastError: "" }, {
      names,
      directory: settings.config.directory,
      profile: settings.config.profile,
    });
    const stored = await readStored(storage.certificatePath(id));
    print(`Issued: valid until ${new Date(stored!.leaf.notAfter).toISOString()}`);
    print("A tls-off that runs serves it within a few seconds.");
    return 0;
  } finally {
    await lock.release();
  }
}

async function revoke(
  settings: AcmeSettings,
  storage: AcmeStorage,
  { id, names }: SavedCertificate,
  print: (line: string) => void,
): Promise<number> {
  const stored = await readStored(storage.certificatePath(id));
  if (stored === null) throw new Error(`No certificate for "${names[0]}" is stored: there is nothing to revoke`);
  await revokeCertificate(settings, storage, stored, USER_AGENT);
  await storage.removeCertificate(id);
  print(`Revoked the certificate for ${names.join(", ")}, and removed ${stored.path}`);
  print("A tls-off that runs orders a new one within a few seconds.");
  return 0;
}

/** Whether the directory answers, for `check --online`, in one line; throws where it does not. */
export async function describeDirectory({ config, ca }: AcmeSettings): Promise<string> {
  const https = new HttpsClient({ ca, userAgent: USER_AGENT });
  try {
    const { profiles, renewalInfo, externalAccountRequired } = await fetchDirectory(https, config.directory);
    if (config.profile !== "" && (profiles === null || !Object.hasOwn(profiles, config.profile))) {
      throw new Error(`acme.profile: the directory has no profile "${config.profile}"`);
    }
    if (externalAccountRequired && config.eabKid === "") {
      throw new Error("acme.eab-kid: the directory asks for an external account");
    }
    const offers = [
      ...(profiles === null ? [] : [`profiles ${Object.keys(profiles).join(", ")}`]),
      ...(renewalInfo === null ? [] : ["renewal information"]),
    ];
    return `${config.directory} answers${offers.length === 0 ? "" : `: ${offers.join("; ")}`}`;
  } finally {
    https.close();
  }
}
