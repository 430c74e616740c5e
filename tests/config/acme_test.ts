import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";

/** The lines about a configuration with these keys of the listener and of `[acme]`. */
function linesOf(listener: string, acme = "terms-agreed = true", listen = ":443"): string[] {
  const text = `[[listener]]
listen = "${listen}"
backend = "unix:/run/app.sock"
${listener}
[acme]
${acme}
`;
  return parseConfig(text, "proxy.toml", {}, "/etc").problems.map(formatProblem);
}

Deno.test("a listener with acme needs no other certificate, and no more than consent", () => {
  assert.deepEqual(linesOf('acme = ["example.org", "www.example.org"]'), []);
  assert.deepEqual(linesOf('acme = ["example.org"]\ncert = "c.pem"\nkey = "k.pem"'), []);
});

Deno.test("what is wrong with a certificate that is to be ordered is said in one line each", () => {
  const one = 'acme = ["example.org"]';
  const cases: [string[], RegExp][] = [
    [linesOf(one, ""), /acme\.terms-agreed: found false, must be true \(or --acme-agree given\)/],
    [linesOf(one, 'terms-agreed = true\nstorage = ""'), /acme\.storage: found "", must be a path/],
    [linesOf(one, 'terms-agreed = true\ndirectory = "http://ca.example"'), /acme\.directory: found "http:.*https URL/],
    [linesOf(one, 'terms-agreed = true\nemail = "nobody"'), /acme\.email: found "nobody", must be a mail address/],
    [linesOf(one, 'terms-agreed = true\neab-kid = "x"'), /acme\.eab-kid: needs eab-key-file beside it/],
    [linesOf(one, 'terms-agreed = true\neab-key-file = "x"'), /acme\.eab-key-file: needs eab-kid beside it/],
    [linesOf('acme = ["*.example.org"]'), /"\*\.example\.org", must be no wildcard: only a challenge in the DNS/],
    [linesOf('acme = ["a b"]'), /found "a b", must be a DNS name such as/],
    [linesOf('acme = ["example.org", "EXAMPLE.org"]'), /must not be given twice/],
    [linesOf('acme = ["localhost"]'), /found "localhost", is no public name/],
    [linesOf('acme = ["intern"]'), /found "intern", is no public name/],
    [linesOf('acme = ["app.internal"]'), /is no public name/],
    [linesOf('acme = ["10.1.2.3"]'), /is no public name/],
    [linesOf('acme = ["fd00::1"]'), /is no public name/],
    [linesOf(one, undefined, "unix:/run/x.sock"), /cannot go with listen = "unix:\/run\/x\.sock": .*port 443/],
    [linesOf(`${one}\nalpn = ["acme-tls/1"]`), /alpn: found "acme-tls\/1", which is for the validation/],
    [linesOf(one, undefined, ":8443"), /warning: listener\.acme: .*port 443 .*something must pass/],
    [
      linesOf(`${one}\naccept-proxy = ["10.0.0.0/8"]`, undefined, ":8443"),
      /warning: listener\.acme: .*port 443 .*the balancer must pass/,
    ],
    [linesOf('cert = "c"\nkey = "k"'), /warning: acme\.terms-agreed: has no effect: no listener has acme/],
  ];
  for (const [lines, expected] of cases) {
    assert.deepEqual(lines.length, 1, `${expected}: ${lines.join(" | ")}`);
    assert.ok(expected.test(lines[0]), `${expected}: ${lines[0]}`);
  }
});

Deno.test("a private authority gives certificates for private names", () => {
  const acme = 'terms-agreed = true\ndirectory = "https://ca.internal/acme/acme/directory"';
  assert.deepEqual(linesOf('acme = ["app.internal", "localhost", "10.1.2.3"]', acme), []);
});
