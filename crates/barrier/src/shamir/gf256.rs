//! Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. Every operation does the same work for every operand: masks
//! instead of branches, no tables.

/// The product of two field elements.
pub(super) fn mul(a: u8, b: u8) -> u8 {
    let mut product = 0u8;
    let (mut a, mut b) = (a, b);
    for _ in 0..8 {
        product ^= a & mask(b);
        a = (a << 1) ^ (0x1b & mask(a >> 7));
        b >>= 1;
    }
    product
}

/// All ones when the lowest bit is set, else zero.
fn mask(bits: u8) -> u8 {
    // A barrier, or the optimiser may turn the mask into a branch.
    std::hint::black_box(0u8.wrapping_sub(bits & 1))
}

/// The inverse, a^254; zero for zero.
pub(super) fn invert(a: u8) -> u8 {
    let mut result = 1u8;
    let mut square = a;
    for _ in 1..8 {
        square = mul(square, square);
        result = mul(result, square);
    }
    result
}
