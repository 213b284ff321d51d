"""Padmé: round a length up so that it tells little and costs little.

PURBs (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
Communication with PURBs", PoPETs 2019), §4.3 and algorithm 1. A length L is
kept as a floating-point number whose mantissa is no longer than its exponent:
it leaks O(log log L) bits and adds at most 12 %, falling as L grows.
"""


def padme(length: int) -> int:
    """The padded length, in bytes, of a plaintext of `length` bytes; never less than `length`.

    Raises ValueError for a negative length.
    """
    if length < 0:
        raise ValueError("a length is not negative")
    if length < 2:  # log2(0) and log2(log2(1)) do not exist; nothing to hide in one byte
        return length
    exponent = length.bit_length() - 1
    mantissa_bits = exponent.bit_length()
    mask = (1 << (exponent - mantissa_bits)) - 1
    return (length + mask) & ~mask
