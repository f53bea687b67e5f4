/**
 * Gives back what loading the engines needed and running them does not: garbage of the calling thread's heap (when Node
 * runs with `--expose-gc`, see core/service-launch.ts) and free pages of all native heaps (malloc_trim(3); only glibc
 * has it, elsewhere that part does nothing). Takes some 20 ms on the calling thread.
 */
export async function giveBackFreeMemory(): Promise<void> {
  globalThis.gc?.();
  try {
    const { default: koffi } = await import("koffi");
    koffi.load("libc.so.6").func("int malloc_trim(size_t)")(0);
  } catch {
    // another libc: nothing is lost but the memory
  }
}
