import { closeSync, openSync } from "node:fs";

/** Whether this process can open another file. It takes one to see: to count them would cost the more the more there are. */
export function isDescriptorLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
