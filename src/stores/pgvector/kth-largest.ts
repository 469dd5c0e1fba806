/**
 * The k-th largest of many numbers by a heap of the k largest so far (Williams, "Heapsort", 1964).
 * Nearly all numbers are below the smallest of those and cost one comparison, where a selection by
 * partition moves every one of them about.
 */

/**
 * The k-th largest number, from 1; -Infinity where there are fewer.
 * @param heap has room for k numbers; written over
 */
export function kthLargest(numbers: Float64Array, k: number, heap: Float64Array): number {
  if (k > numbers.length) return -Infinity;
  heap.set(numbers.subarray(0, k));
  for (let parent = (k >>> 1) - 1; parent >= 0; parent -= 1) sink(heap, k, parent);
  let smallest = heap[0] ?? -Infinity;
  for (let index = k; index < numbers.length; index += 1) {
    const number = numbers[index] ?? -Infinity;
    if (number <= smallest) continue;
    heap[0] = number;
    sink(heap, k, 0);
    smallest = heap[0];
  }
  return smallest;
}

/** Moves a number down until those below it are not smaller. */
function sink(heap: Float64Array, size: number, from: number): void {
  const number = heap[from] ?? 0;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child += 1;
    const below = heap[child] ?? 0;
    if (below >= number) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = number;
}
