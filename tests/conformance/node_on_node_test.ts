import { conformance } from "./suite.ts";

conformance({ runtime: "node", engine: "node" });
