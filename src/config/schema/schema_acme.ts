import type { AcmeConfig, RedirectConfig } from "../config.ts";
import { type Fields, key } from "./schema_types.ts";
import * as types from "./value_types.ts";
import { httpsUrl, mailAddress } from "./value_types_acme.ts";

/** Every key of `[acme]`. */
export const ACME: Fields<AcmeConfig> = {
  directory: key(
    "directory",
    httpsUrl(),
    { default: "https://acme-v02.api.letsencrypt.org/directory" },
    "the directory of the certificate authority",
  ),
  email: key("email", mailAddress(), { default: "" }, "where the authority may write to"),
  termsAgreed: key(
    "terms-agreed",
    types.boolean(),
    { default: false },
    "you agree to the authority's terms of service; must be true",
  ),
  storage: key(
    "storage",
    types.path({ optional: false }),
    { default: "acme" },
    "folder for the account's key, certificates and their keys; made with mode 0700; several processes may share it",
  ),
  profile: key(
    "profile",
    types.text(0, 64),
    { default: "" },
    'the authority\'s certificate profile, such as "shortlived"; "" for its usual one',
  ),
  preferredChain: key(
    "preferred-chain",
    types.text(0, 128),
    { default: "" },
    'common name of the authority that the chain should end in; "" for the first chain offered',
  ),
  eabKid: key(
    "eab-kid",
    types.text(0, 512),
    { default: "" },
    "external account binding: the key's identifier, where the authority gave out one",
  ),
  eabKeyFile: key(
    "eab-key-file",
    types.path({ optional: true }),
    { default: "" },
    "external account binding: file with the key, in base64url, as the authority gave it out",
  ),
  ca: key(
    "ca",
    types.path({ optional: true }),
    { default: "" },
    "PEM file: who vouches for the directory's own HTTPS, where that is a private authority",
  ),
};

/** Every key of `[redirect]`. */
export const REDIRECT: Fields<RedirectConfig> = {
  listen: key(
    "listen",
    types.optionalAddress(),
    { default: "" },
    'answers plain HTTP there with 308 to https:// of the same host and path, such as ":80"; "" for off',
  ),
};
