/**
 * Padmé (Nikitin et al., PURBs, PoPETs 2019, §4.3): round a length up so that it tells little
 * and costs little. In floating point, because lengths may exceed the 32 bits of `&` and `~`.
 *
 * @param {number} length bytes, a safe integer, not negative
 * @returns {number} the padded length in bytes, never less than `length`
 */
export function padme(length) {
  if (!Number.isSafeInteger(length) || length < 0) throw new RangeError("a length is a whole number, not negative");
  if (length < 2) return length;
  const exponent = bitLength(length) - 1;
  const step = 2 ** (exponent - bitLength(exponent));
  return Math.ceil(length / step) * step;
}

/** @param {number} value a positive integer */
function bitLength(value) {
  const low = value % 2 ** 32;
  const high = (value - low) / 2 ** 32;
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(low);
}
