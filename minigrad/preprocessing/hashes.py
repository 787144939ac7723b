"""The two hash functions behind Keras's Hashing: FarmHash's Fingerprint64, and SipHash-2-4 where there is a salt.

Both are the same on every machine and in every run, unlike Python's own `hash`. Sources: FarmHash 1.1 (farmhashna), as
published by Google; Aumasson and Bernstein, SipHash, 2012.
"""

from __future__ import annotations

from functools import lru_cache
from struct import unpack_from

ALL = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
CAT = 0xC6A4A7935BD1E995


def turn(x: int, n: int) -> int:
    """The bits of x turned to the right by n places."""
    return (x >> n | x << (64 - n)) & ALL


def fold(x: int) -> int:
    return x ^ x >> 47


def mix(u: int, v: int, factor: int) -> int:
    """Two words as one."""
    a = fold(((u ^ v) & ALL) * factor & ALL)
    b = fold(((v ^ a) & ALL) * factor & ALL)
    return b * factor & ALL


def word(s: bytes, at: int) -> int:
    return int.from_bytes(s[at : at + 8], "little")


@lru_cache(1 << 16)
def fingerprint(s: bytes) -> int:
    """FarmHash's Fingerprint64 of some bytes.

    >>> fingerprint(b"A") % 3, fingerprint(b"B") % 3
    (1, 0)
    """
    n = len(s)
    factor = K2 + 2 * n & ALL
    if n > 64:
        return of_many(s)
    if n > 16:
        return of_some(s, factor)
    if n >= 8:
        a, b = word(s, 0) + K2, word(s, n - 8)
        return mix(turn(b, 37) * factor + a & ALL, (turn(a & ALL, 25) + b) * factor & ALL, factor)
    if n >= 4:
        first, last = (int.from_bytes(s[at : at + 4], "little") for at in (0, n - 4))
        return mix(n + (first << 3), last, factor)
    if n:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[-1] << 2)
        return fold((y * K2 ^ z * K0) & ALL) * K2 & ALL
    return K2


def of_some(s: bytes, factor: int) -> int:
    """Of 17 to 64 bytes."""
    n = len(s)
    a, b, c, d = word(s, 0) * (K1 if n <= 32 else K2) & ALL, word(s, 8), word(s, n - 8) * factor & ALL, word(s, n - 16)
    y = turn(a + b & ALL, 43) + turn(c, 30) + d * K2 & ALL
    z = mix(y, a + turn(b + K2 & ALL, 18) + c & ALL, factor)
    if n <= 32:
        return z
    e, f = word(s, 16) * factor & ALL, word(s, 24)
    g, h = (y + word(s, n - 32)) * factor & ALL, (z + word(s, n - 24)) * factor & ALL
    return mix(turn(e + f & ALL, 43) + turn(g, 30) + h & ALL, e + turn(f + a & ALL, 18) + g & ALL, factor)


def of_many(s: bytes) -> int:
    """Of more than 64 bytes: block after block of 64, then the last 64."""
    blocks = (len(s) - 1) // 64
    rest = len(s) - 1 & 63
    y = 81 * K1 + 113 & ALL
    z = fold(y * K2 + 113 & ALL) * K2 & ALL
    x, v, w = 81 * K2 + word(s, 0) & ALL, (0, 0), (0, 0)
    for at in range(0, 64 * blocks, 64):
        x, y, z, v, w = block(s, at, x, y, z, v, w, K1, 1)
    factor = K1 + ((z & 0xFF) << 1) & ALL
    w = (w[0] + rest & ALL, w[1])
    v = (v[0] + w[0] & ALL, v[1])
    w = (w[0] + v[0] & ALL, w[1])
    x, y, z, v, w = block(s, len(s) - 64, x, y, z, v, w, factor, 9)
    return mix(mix(v[0], w[0], factor) + fold(y) * K0 + z & ALL, mix(v[1], w[1], factor) + x & ALL, factor)


Pair = tuple[int, int]


def block(
    s: bytes, at: int, x: int, y: int, z: int, v: Pair, w: Pair, factor: int, times: int
) -> tuple[int, int, int, Pair, Pair]:
    x = turn(x + y + v[0] + word(s, at + 8) & ALL, 37) * factor & ALL
    y = turn(y + v[1] + word(s, at + 48) & ALL, 42) * factor & ALL
    x ^= w[1] * times & ALL
    y = y + v[0] * times + word(s, at + 40) & ALL
    z = turn(z + w[0] & ALL, 33) * factor & ALL
    v = stir(s, at, v[1] * factor & ALL, x + w[0] & ALL)
    w = stir(s, at + 32, z + w[1] & ALL, y + word(s, at + 16) & ALL)
    return z, y, x, v, w


def stir(s: bytes, at: int, a: int, b: int) -> Pair:
    """32 bytes and two words as two words."""
    p, q, r, t = unpack_from("<4Q", s, at)
    a = a + p & ALL
    b = turn(b + a + t & ALL, 21)
    c, a = a, a + q + r & ALL
    return a + t & ALL, b + turn(a, 44) + c & ALL


def cat(a: int, b: int) -> int:
    """The fingerprint of two fingerprints, one after the other."""
    out = (a ^ CAT ^ fold(b * CAT & ALL) * CAT & ALL) * CAT & ALL
    return fold(fold(out) * CAT & ALL)


@lru_cache(1 << 16)
def keyed(s: bytes, key: Pair) -> int:
    """SipHash-2-4 of some bytes under a key of two 64-bit words.

    >>> keyed(b"A", (133, 137)) % 3
    1
    """
    k, j = key
    v = [k ^ 0x736F6D6570736575, j ^ 0x646F72616E646F6D, k ^ 0x6C7967656E657261, j ^ 0x7465646279746573]
    whole = len(s) // 8 * 8
    for m in [*unpack_from(f"<{whole // 8}Q", s), int.from_bytes(s[whole:], "little") | (len(s) & 0xFF) << 56]:
        v[3] ^= m
        scramble(v, 2)
        v[0] ^= m
    v[2] ^= 0xFF
    scramble(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def scramble(v: list[int], rounds: int) -> None:
    """SipHash's rounds, in place."""
    a, b, c, d = v
    for _ in range(rounds):
        a, c = a + b & ALL, c + d & ALL
        b, d = turn(b, 51) ^ a, turn(d, 48) ^ c
        a, c = turn(a, 32) + d & ALL, c + b & ALL
        b, d = turn(b, 47) ^ c, turn(d, 43) ^ a
        c = turn(c, 32)
    v[:] = a, b, c, d
