/** Which CPUs run what, as lists for `taskset -c`. */
export interface CpuPlan {
  /** One CPU for the proxy alone. */
  proxy: string;
  /** Load generator. */
  load: string;
  /** What is behind the proxy. */
  backend: string;
  /** Where proxies with several workers run: all but the generator's, or all where only two are there. */
  workers: string;
  /** All but the load generator's: the application and the proxy of the article's experiment share them. */
  rest: string;
  restCount: number;
  /** False where there is no `taskset`, or one CPU only: then nothing is pinned and figures are rough. */
  pinned: boolean;
}

/** Parses a CPU list as `taskset` prints it: `0,2-5`. */
export function parseCpuList(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [first, last = first] = part.trim().split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** The proxy gets the first CPU, the generator the last; the application what lies between, or the generator's. */
export function planCpus(all: number[], canPin: boolean): CpuPlan {
  const any = all.join(",");
  if (!canPin || all.length < 2) {
    return { proxy: any, load: any, backend: any, workers: any, rest: any, restCount: all.length, pinned: false };
  }
  const load = String(all.at(-1));
  return {
    proxy: String(all[0]),
    load,
    backend: all.slice(1, -1).join(",") || load,
    workers: all.length > 2 ? all.slice(0, -1).join(",") : any,
    rest: all.slice(0, -1).join(","),
    restCount: all.length - 1,
    pinned: true,
  };
}

/** Asks `taskset` for the CPUs this process may use, and divides them. */
export async function placeCpus(): Promise<CpuPlan> {
  try {
    const { stdout, success } = await new Deno.Command("taskset", { args: ["-cp", String(Deno.pid)] }).output();
    const list = new TextDecoder().decode(stdout).split(":").at(-1) ?? "";
    if (success) return planCpus(parseCpuList(list), true);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return planCpus(Array.from({ length: navigator.hardwareConcurrency }, (_, index) => index), false);
}
