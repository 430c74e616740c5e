import { conformance } from "./suite.ts";

conformance({ runtime: "deno", engine: "node" });
