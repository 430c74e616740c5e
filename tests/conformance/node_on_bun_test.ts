import { conformance } from "./suite.ts";

conformance({ runtime: "bun", engine: "node" });
