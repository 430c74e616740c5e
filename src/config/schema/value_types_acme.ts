import { isIP } from "node:net";
import { normalizeServerName } from "../../net/server_names.ts";
import { ValueError } from "../../net/value_error.ts";
import type { ValueType } from "./value_types.ts";

/** A name that a certificate can be ordered for: a DNS name without a wildcard, or an IP address. */
export function certificateName(): ValueType<string> {
  const [name, allowed] = ["name", 'a DNS name such as "example.org", or an IP address'];
  return {
    name,
    allowed,
    parse(value) {
      if (typeof value === "string" && value.startsWith("*.")) {
        const detail = "must be no wildcard: only a challenge in the DNS could prove it, and that is not offered";
        throw new ValueError(name, value, detail);
      }
      if (typeof value === "string" && isIP(value) !== 0 && !value.includes("%")) return value.toLowerCase();
      const normal = typeof value === "string" ? normalizeServerName(value) : "";
      if (normal === "") throw new ValueError(name, value, `must be ${allowed}`);
      return normal;
    },
  };
}

/** The URL of something that is asked for over HTTPS. */
export function httpsUrl(): ValueType<string> {
  const [name, allowed] = ["URL", 'an https URL such as "https://ca.example/directory"'];
  return {
    name,
    allowed,
    parse(value) {
      const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : null;
      if (url === null || url.protocol !== "https:" || url.username !== "" || url.hash !== "") {
        throw new ValueError(name, value, `must be ${allowed}`);
      }
      return value as string;
    },
  };
}

/** An address for mail, or `""` for none. */
export function mailAddress(): ValueType<string> {
  const [name, allowed] = ["mail address", 'a mail address, or "" for none'];
  return {
    name,
    allowed,
    parse(value) {
      // What follows a comma or a question mark would be more recipients and headers in a mailto URL (RFC 6068).
      if (value === "" || (typeof value === "string" && /^[^\s@,?&<>"]{1,64}@[^\s@,?&<>"]{1,190}$/.test(value))) {
        return value;
      }
      throw new ValueError(name, value, `must be ${allowed}`);
    },
  };
}
