/**
 * Program: always the same work, as integers, on the CPU that it is put on. Prints how many milliseconds it took, of
 * the clock. Where that is more than at another time, another process used the CPU, or the CPU ran slower.
 */
function work(): number {
  let state = 1;
  for (let index = 0; index < 40_000_000; index++) state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
  return state;
}

// In the first run the code is compiled.
let state = work();
const begin = performance.now();
state ^= work();
console.log(JSON.stringify({ ms: performance.now() - begin, state }));
