/** See tests/supervisor/reload_descriptors_test.ts. */
import { refusedReload } from "../supervisor/refused_reload.ts";

refusedReload("deno");
