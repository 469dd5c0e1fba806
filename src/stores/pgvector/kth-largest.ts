/** Hoare's selection: linear on average, where sorting all of them would take most of a query's time. */

/** The k-th largest number, from 1; -Infinity where there are fewer. */
export function kthLargest(numbers: Float64Array, k: number): number {
  if (k > numbers.length) return -Infinity;
  const rest = numbers.slice();
  const at = (index: number): number => rest[index] ?? Number.NaN;
  const wanted = rest.length - k;
  let low = 0;
  let high = rest.length - 1;
  while (low < high) {
    const pivot = at((low + high) >>> 1);
    let left = low;
    let right = high;
    while (left <= right) {
      while (at(left) < pivot) left += 1;
      while (at(right) > pivot) right -= 1;
      if (left > right) break;
      const moved = at(left);
      rest[left] = at(right);
      rest[right] = moved;
      left += 1;
      right -= 1;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else break;
  }
  return at(wanted);
}
