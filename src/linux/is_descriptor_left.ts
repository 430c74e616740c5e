import { closeSync, openSync } from "node:fs";

/** Whether this process can open another file. It opens one to find out, which is cheaper than counting those open. */
export function isDescriptorLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
